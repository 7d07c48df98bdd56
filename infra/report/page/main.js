import { startReader } from './reader.js';
import { startTheme } from './theme.js';
import { startWatch } from './watch.js';

startTheme();
void startReader();
if (document.documentElement.dataset['version']) startWatch();
