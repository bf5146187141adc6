/** Provides the labs model, and keeps it turned to what is in front of you. */
import {
  ILabShell,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';

import { LabsApi } from './api';
import { LabsModel } from './model';
import { ILabs } from './tokens';

export const labs: JupyterFrontEndPlugin<LabsModel> = {
  id: 'jupyterlab-machinelabs:labs',
  description: 'The labs of the site, for the other plugins.',
  autoStart: true,
  provides: ILabs,
  optional: [ILabShell, IDocumentManager, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    shell: ILabShell | null,
    documents: IDocumentManager | null,
    browser: IDefaultFileBrowser | null
  ) => {
    const { contents, serverSettings } = app.serviceManager;
    const model = new LabsModel(new LabsApi(serverSettings));
    const turn = (): void => {
      const widget = shell?.currentWidget ?? app.shell.currentWidget;
      const path = widget && documents?.contextForWidget(widget)?.path;
      model.turnTo(contents.localPath(path ?? browser?.model.path ?? ''));
    };
    shell?.currentChanged.connect(turn);
    browser?.model.pathChanged.connect(turn);
    contents.fileChanged.connect(() => {
      // An open document hears of its new name by this signal too, and after us.
      void Promise.resolve().then(() => {
        turn();
        model.refresh();
      });
    });
    void app.restored.then(turn);
    // Without our part of the server there is nothing to show, and nothing to say.
    void model.start().catch(() => undefined);
    return model;
  }
};
