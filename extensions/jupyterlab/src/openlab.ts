/** Bring a lab here: into this server if it fits the lab's image, else by the lab's own page. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';

import { ILab } from './api';
import { LabsModel } from './model';
import { sentence } from './sentence';
import { Strings } from './strings';

export async function openLab(
  app: JupyterFrontEnd,
  model: LabsModel,
  text: Strings,
  lab: ILab
): Promise<void> {
  const about = await model.about;
  if (lab.image && lab.image !== about.image) {
    // Another image needs another server; the lab's page starts it and comes back.
    window.location.assign(`${about.public_url}/${lab.lab}/open`);
    return;
  }
  const id = Notification.emit(text.panel.opening(lab.title), 'in-progress', {
    autoClose: false
  });
  const opened = await model.api.open(lab.lab, !lab.mine).catch(reason => {
    Notification.error(sentence(reason), { autoClose: false });
    return null;
  });
  Notification.dismiss(id);
  if (!opened) {
    return;
  }
  const { path, folder } = opened;
  await app.commands
    .execute('filebrowser:open-path', { path: folder, dontShowBrowser: true })
    .catch(() => undefined);
  if (path !== folder) {
    await app.commands.execute('docmanager:open', { path });
  }
  model.labsDid();
}
