/** The plugins of MachineLabs in JupyterLab. */
import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { panel } from './panel';

const plugins: JupyterFrontEndPlugin<unknown>[] = [panel];

export default plugins;
