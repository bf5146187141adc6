/** What the plugins share: the token of the labs model, and the names of commands. */
import { Token } from '@lumino/coreutils';

import { LabsModel } from './model';

export const ILabs = new Token<LabsModel>(
  'jupyterlab-machinelabs:ILabs',
  'The labs of the site, and how the files in front of you stand to theirs.'
);

export namespace CommandIDs {
  export const publish = 'machinelabs:publish';
  export const publishSelected = 'machinelabs:publish-selected';
  export const openPage = 'machinelabs:open-page';
  export const update = 'machinelabs:update';
  export const standing = 'machinelabs:standing';
  export const showPanel = 'machinelabs:show-panel';
  export const resetPackages = 'machinelabs:reset-packages';
}
