/** The eslint plugin for imports. */
import { noCycles, noFolderCycles } from './cycles.ts';
import { floorsRule } from './floors.ts';

export const importRules = { rules: { floors: floorsRule, 'no-cycles': noCycles, 'no-folder-cycles': noFolderCycles } };
