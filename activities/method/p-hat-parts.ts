/** p̂ in ten parts, the last one closed: the strata in which labels are audited (view `r_zero.label_accuracy_by_p_hat`). */
export const P_HAT_PARTS = 10;

/** From 0; whole numbers throughout, so that 6 of 10 is in part 6 whatever 0.6 is in binary. @param total at least 1 */
export function pHatPart(majority: number, total: number): number {
  return Math.min(Math.floor((majority * P_HAT_PARTS) / total), P_HAT_PARTS - 1);
}
