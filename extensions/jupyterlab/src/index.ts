/** The plugins of MachineLabs in JupyterLab. */
import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { idle } from './idle';
import { labs } from './labs';
import { packages } from './packages';
import { panel } from './panel';
import { publish } from './publish';
import { status } from './status';

// eslint-disable-next-line @typescript-eslint/no-explicit-any
const plugins: JupyterFrontEndPlugin<any>[] = [
  labs,
  panel,
  publish,
  status,
  packages,
  idle
];

export default plugins;
