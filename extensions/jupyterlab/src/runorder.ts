/** Walks a person through ordering a run: publish first where that is needed, dialog, where to look. */
import { Dialog, Notification } from '@jupyterlab/apputils';

import { OpenDocuments } from './documents';
import { LabsModel } from './model';
import { RunBody, RunDialog } from './rundialog';
import { IRunForm, IRunWish } from './runform';
import { sentence } from './sentence';
import { Strings } from './strings';

const TOAST_MS = 30_000;

export interface IRunOrderOptions {
  model: LabsModel;
  text: Strings;
  documents: OpenDocuments;
  /** Publish what is at `path`; resolves when that is done or not wanted. */
  publish: (path: string) => Promise<unknown>;
}

export class RunOrder {
  constructor(private _options: IRunOrderOptions) {}

  /** Order a run of the lab at `path`, as the person chooses. */
  async ask(path: string): Promise<void> {
    const { model, publish } = this._options;
    try {
      if ((await model.api.standing(path)) === null) {
        if (!(await this.offerToPublish())) {
          return;
        }
        await publish(path);
        if ((await model.api.standing(path)) === null) {
          return;
        }
      }
      let wish: IRunWish | null = null;
      let failed = '';
      for (;;) {
        const form = await model.api.runForm(path, wish?.file);
        const answer = await this.show(path, form, wish, failed);
        if (answer === 'publish') {
          await publish(path);
          failed = '';
          continue;
        }
        if (answer === null) {
          return;
        }
        wish = answer;
        try {
          this.tell(await model.api.run(path, wish));
          return;
        } catch (reason) {
          // The dialog comes back with what was chosen, and says why.
          failed = sentence(reason);
        }
      }
    } catch (reason) {
      Notification.error(sentence(reason), { autoClose: false });
    }
  }

  /** Show the dialog; null: the person does not want to. */
  private async show(
    path: string,
    form: IRunForm,
    wish: IRunWish | null,
    failed: string
  ): Promise<IRunWish | 'publish' | null> {
    const { model, text, documents } = this._options;
    const standing = await model.api.standing(path);
    const unsaved = documents.unsaved(standing?.path ?? path).length > 0;
    const body = new RunBody({
      api: model.api,
      text,
      path,
      form,
      wish,
      unsaved,
      failed
    });
    const buttons = [Dialog.cancelButton({ label: text.publish.cancel })];
    if (unsaved || form.unpublished > 0) {
      buttons.push(
        Dialog.createButton({
          label: text.run.publishFirst,
          actions: ['publish'],
          accept: false
        })
      );
    }
    buttons.push(Dialog.okButton({ label: text.run.run }));
    const dialog = new RunDialog(body, {
      title: text.run.title(form.lab, form.revision),
      buttons,
      defaultButton: buttons.length - 1,
      hasClose: true
    });
    const answer = await dialog.launch();
    if (answer.button.actions.includes('publish')) {
      return 'publish';
    }
    return answer.button.accept ? answer.value : null;
  }

  private async offerToPublish(): Promise<boolean> {
    const { text } = this._options;
    const dialog = new Dialog({
      title: text.run.noLab,
      body: text.run.noLabWhy,
      buttons: [
        Dialog.cancelButton({ label: text.publish.cancel }),
        Dialog.okButton({ label: text.menu.publish })
      ],
      hasClose: true
    });
    return (await dialog.launch()).button.accept;
  }

  private tell(ordered: { run: string; url: string }): void {
    const words = this._options.text.run;
    Notification.success(words.ordered(ordered.run), {
      autoClose: TOAST_MS,
      actions: [
        {
          label: words.watch,
          displayType: 'link',
          callback: () => void window.open(ordered.url, '_blank', 'noopener')
        }
      ]
    });
  }
}
