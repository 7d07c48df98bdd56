/** The pages and dialogs of the Temporal UI, as a person uses them. */
import type { Locator, Page } from '../../support/browser.ts';

export interface StartForm {
  workflowId: string;
  workflowType: string;
  taskQueue: string;
  /** Typed into the field; left empty when absent. */
  input?: string;
}

export interface ScheduleForm extends Omit<StartForm, 'workflowId'> {
  name: string;
  /** e.g. `0 2 * * *` */
  cron: string;
}

export class TemporalUi {
  readonly page: Page;
  readonly #address: string;

  /** @param uiUrl e.g. `http://127.0.0.1:8233` */
  constructor(page: Page, uiUrl: string) {
    this.page = page;
    this.#address = `${uiUrl}/namespaces/default`;
  }

  /** Fills in *Start Workflow*, as far as the button. */
  async fillStartForm({ workflowId, workflowType, taskQueue, input }: StartForm): Promise<void> {
    const { page } = this;
    await page.goto(`${this.#address}/workflows/start-workflow`);
    await page.getByTestId('workflowId').fill(workflowId);
    await page.getByTestId('taskQueue').fill(taskQueue);
    await page.getByTestId('workflowType').fill(workflowType);
    await page.getByText('Task Queue is Active').waitFor();
    if (input !== undefined) await typeInto(page.getByRole('textbox', { name: 'Data' }), input);
  }

  /** Presses the button and opens the page of the run, when the UI has said that it was started. */
  async start(form: StartForm): Promise<void> {
    await this.fillStartForm(form);
    await this.page.getByTestId('start-workflow-button').click();
    await this.page.getByRole('link', { name: 'Workflow started successfully' }).waitFor();
    await this.openRun(form.workflowId);
  }

  async openRun(workflowId: string): Promise<void> {
    await this.page.goto(`${this.#address}/workflows/${encodeURIComponent(workflowId)}`);
    await this.page.getByTestId('timeline-tab').waitFor();
  }

  /** The live details of the workflow on screen, as they are drawn. */
  async openDetails(): Promise<Locator> {
    await this.page.getByTestId('user-metadata-tab').click();
    const frame = this.page.frameLocator('iframe[title="output"]').last();
    await frame.getByRole('heading').first().waitFor();
    return frame.locator('main');
  }

  /** Text of the live details once it is right; they are asked for anew until then. @throws after the patience, with the last text */
  async detailsUntil(isRight: (text: string) => boolean, seconds = 30): Promise<string> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const text = await (await this.openDetails()).innerText();
      if (isRight(text)) return text;
      if (Date.now() > deadline) throw new Error(`The details still say:\n${text}`);
      await this.page.waitForTimeout(1_000);
      await this.page.reload();
    }
  }

  /** Opens *Send an Update* and chooses one. The answer has what the list says of each, by name. */
  async chooseUpdate(name: string): Promise<Record<string, string>> {
    await this.page.getByRole('button', { name: 'More Actions' }).filter({ visible: true }).click();
    await this.seen('update-button').click();
    await this.seen('update-select-button').click();
    const options = this.page.getByRole('option').filter({ visible: true });
    await options.first().waitFor();
    const offered = (await options.allInnerTexts()).map((text) => {
      const [title = '', ...description] = text.split('\n');
      return [title.trim(), description.join(' ').trim()] as const;
    });
    await options.filter({ hasText: new RegExp(`^\\s*${name}\\b`) }).click();
    return Object.fromEntries(offered);
  }

  /** Sends the chosen update. @returns what the dialog says of a refusal, nothing when it was taken and the dialog closed */
  async submitUpdate(data?: string): Promise<string | undefined> {
    const dialog = this.page.getByRole('dialog').filter({ hasText: 'Send an Update', visible: true });
    if (data !== undefined) await typeInto(dialog.getByRole('textbox', { name: 'Data' }), data);
    await this.seen('confirm-modal-button').click();
    const deadline = Date.now() + 30_000;
    while (Date.now() < deadline) {
      // Closes by itself when the update was taken.
      const text =
        (await dialog.count()) === 0 ? undefined : await dialog.innerText({ timeout: 1_000 }).catch(() => '');
      if (text === undefined) return undefined;
      const [, refusal = ''] = /Single JSON payload supported\.([^]*)Cancel\s+Submit/.exec(text) ?? [];
      if (refusal.trim() !== '' && !refusal.trim().startsWith('In Progress')) return refusal.trim();
      await this.page.waitForTimeout(100);
    }
    throw new Error('The dialog neither closed nor said anything.');
  }

  async closeDialog(): Promise<void> {
    await this.seen('cancel-modal-button').click();
  }

  /** The dialog of a closed run: to an event, with a reason. @param event part of its name in the list */
  async reset(event: string, reason: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Reset' }).filter({ visible: true }).first().click();
    await this.seen('workflow-reset-event-id-select-button').click();
    await this.page.getByRole('option').filter({ visible: true, hasText: event }).first().click();
    await this.seen('reset-reason').fill(reason);
    await this.seen('confirm-modal-button').click();
  }

  /** *Create Schedule*, with a cron line. */
  async createSchedule({ name, workflowType, taskQueue, input, cron }: ScheduleForm): Promise<void> {
    const { page } = this;
    await page.goto(`${this.#address}/schedules/create`);
    await page.getByTestId('schedule-name-input').fill(name);
    await page.getByTestId('schedule-type-input').fill(workflowType);
    await page.getByTestId('schedule-task-queue-input').fill(taskQueue);
    if (input !== undefined) await typeInto(page.getByRole('textbox', { name: 'JSON Data' }), input);
    await page.locator('input[id^="cron-string"]').fill(cron);
    await page.getByTestId('create-schedule-button').click();
    await page.waitForURL((url) => url.pathname.endsWith('/schedules'));
  }

  /** The layouts for wide and narrow windows are both in the page. */
  seen(testId: string): Locator {
    return this.page.getByTestId(testId).filter({ visible: true });
  }
}

/** The editor lays its text out anew when it is left, so that what lies below moves: leave it before the next click. */
async function typeInto(field: Locator, text: string): Promise<void> {
  await field.fill(text);
  await field.blur();
}
