/** What the plugins share: the token of the labs model, and the names of commands. */
import { Token } from '@lumino/coreutils';

import { LabsModel } from './model';
import { Saves } from './saves';

export const ILabs = new Token<LabsModel>(
  'jupyterlab-machinelabs:ILabs',
  'The labs of the site, and how the files in front of you stand to theirs.'
);

export const ISaves = new Token<Saves>(
  'jupyterlab-machinelabs:ISaves',
  'Saves open documents one save at a time.'
);

export namespace CommandIDs {
  export const publish = 'machinelabs:publish';
  export const publishSelected = 'machinelabs:publish-selected';
  export const run = 'machinelabs:run';
  export const openPage = 'machinelabs:open-page';
  export const update = 'machinelabs:update';
  export const undoUpdate = 'machinelabs:undo-update';
  export const propose = 'machinelabs:propose';
  export const history = 'machinelabs:history';
  export const standing = 'machinelabs:standing';
  export const showPanel = 'machinelabs:show-panel';
  export const resetPackages = 'machinelabs:reset-packages';
}
