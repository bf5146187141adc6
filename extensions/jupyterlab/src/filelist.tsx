/** The exact list of files that a publish would send, and what stays here. */
import React from 'react';

import { IPreview } from './api';
import { size } from './names';
import { Strings } from './strings';

const LISTED_FILES = 500;

export function FileList(props: {
  preview: IPreview | null;
  failed: string;
  text: Strings;
}): React.ReactElement {
  const { preview, failed, text } = props;
  const words = text.publish;
  if (failed) {
    return (
      <p className="jp-MachineLabs-fault" role="alert">
        {failed}
      </p>
    );
  }
  if (!preview) {
    return (
      <p className="jp-MachineLabs-hint" role="status">
        {words.looking}
      </p>
    );
  }
  const { files, faults, left_out } = preview;
  return (
    <div className="jp-MachineLabs-files">
      {faults.map(fault => (
        <p className="jp-MachineLabs-fault" role="alert" key={fault}>
          {fault}
        </p>
      ))}
      <div className="jp-MachineLabs-filesHead">
        <span>{words.leaving}</span>
        <span>{words.files(files.length, size(preview.size))}</span>
      </div>
      <ul tabIndex={0} aria-label={words.leaving}>
        {files.slice(0, LISTED_FILES).map(file => (
          <li key={file.path}>
            <span>{file.path}</span>
            <span>{size(file.size)}</span>
          </li>
        ))}
        {files.length > LISTED_FILES && (
          <li>
            <span>…</span>
            <span>{files.length - LISTED_FILES}</span>
          </li>
        )}
      </ul>
      {left_out.length > 0 && (
        <details>
          <summary>{words.leftOut(left_out.length)}</summary>
          <ul>
            {left_out.slice(0, LISTED_FILES).map(left => (
              <li key={left.path}>
                <span>{left.path}</span>
                <span>{words.reasons[left.reason] ?? left.reason}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
