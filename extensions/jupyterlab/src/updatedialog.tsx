/** The dialog that shows what an update would do to the files here, before it does. */
import { Dialog } from '@jupyterlab/apputils';
import React from 'react';

import { IUpdate } from './api';
import { Strings } from './strings';

const LISTED_FILES = 200;

/** Ask whether to do `update`; resolves with the answer. */
export async function askToUpdate(
  update: IUpdate,
  text: Strings
): Promise<boolean> {
  const words = text.update;
  const dialog = new Dialog({
    title: words.title(update.lab, update.theirs, update.to),
    body: <Body update={update} text={text} />,
    buttons: [
      Dialog.cancelButton({ label: text.publish.cancel }),
      Dialog.okButton({ label: words.update })
    ],
    hasClose: true
  });
  dialog.addClass('jp-MachineLabs-dialog');
  return (await dialog.launch()).button.accept;
}

function Body(props: { update: IUpdate; text: Strings }): React.ReactElement {
  const { update, text } = props;
  const words = text.update;
  const shown = update.files.slice(0, LISTED_FILES);
  return (
    <div className="jp-MachineLabs-publish">
      <p className="jp-MachineLabs-hint">
        {words.since(update.theirs, update.base, update.to)}
      </p>
      {update.conflicts > 0 && (
        <p className="jp-MachineLabs-fault" role="alert">
          {words.willMark(update.conflicts)}
        </p>
      )}
      <div className="jp-MachineLabs-files">
        <ul tabIndex={0} aria-label={words.files}>
          {shown.map(file => (
            <li key={file.path} title={file.note}>
              <span>{file.path}</span>
              <span>
                {file.conflicts
                  ? words.places(file.conflicts)
                  : (words.changes[file.change] ?? file.change)}
              </span>
            </li>
          ))}
          {update.files.length > LISTED_FILES && (
            <li>
              <span>…</span>
              <span>{update.files.length - LISTED_FILES}</span>
            </li>
          )}
        </ul>
      </div>
      <p className="jp-MachineLabs-hint">{words.safe}</p>
    </div>
  );
}
