/** Follow a job of the server to its end, in a notification with progress and Cancel. */
import { Notification } from '@jupyterlab/apputils';

import { IJob, LabsApi, LabsError } from './api';

const ASK_EVERY_MS = 400;

export interface IFollowOptions {
  api: LabsApi;
  job: IJob;
  /** What the notification says, given the share that is done (0 to 1). */
  message: (share: number) => string;
  cancel: string;
}

/**
 * Resolve with the job when it is done. The notification is gone then.
 *
 * Rejects with a LabsError when it failed, with the code `cancelled` when someone cancelled it.
 */
export async function follow(options: IFollowOptions): Promise<IJob> {
  const { api, message } = options;
  let job = options.job;
  const actions: Notification.IAction[] = [
    {
      label: options.cancel,
      callback: event => {
        event.preventDefault();
        void api.cancel(job.id).catch(() => undefined);
      }
    }
  ];
  const id = Notification.emit(message(0), 'in-progress', {
    autoClose: false,
    actions
  });
  try {
    while (job.state === 'running') {
      await new Promise(resolve => window.setTimeout(resolve, ASK_EVERY_MS));
      job = await api.job(job.id);
      const share = job.total ? Math.min(job.done / job.total, 1) : 0;
      Notification.update({
        id,
        message: message(share),
        type: 'in-progress',
        autoClose: false,
        progress: job.total ? share : undefined,
        actions
      });
    }
  } finally {
    Notification.dismiss(id);
  }
  if (job.state !== 'done') {
    throw new LabsError(job.code, job.message);
  }
  return job;
}
