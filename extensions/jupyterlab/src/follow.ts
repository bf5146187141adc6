/** Follow a job of the server to its end, in a notification with progress and Cancel. */
import { Notification } from '@jupyterlab/apputils';

import { IJob, LabsApi, LabsError } from './api';
import { sentence } from './sentence';

const ASK_EVERY_MS = 400;

export interface IFollowOptions {
  api: LabsApi;
  job: IJob;
  /** What the notification says, given the share that is done (0 to 1). */
  message: (share: number) => string;
  cancel: string;
  /** What the notification says in the end. */
  ended: (job: IJob) => IEnding;
}

export interface IEnding {
  message: string;
  type: Notification.TypeOptions;
  autoClose: number | false;
  actions?: Notification.IAction[];
}

/**
 * Resolve with the job when it is done.
 *
 * Rejects with a LabsError when it failed, with the code `cancelled` when someone cancelled it.
 * The notification tells all of it.
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
  while (job.state === 'running') {
    await new Promise(resolve => window.setTimeout(resolve, ASK_EVERY_MS));
    job = await api.job(job.id).catch(reason => lost(job, reason));
    const share = job.total ? Math.min(job.done / job.total, 1) : 0;
    if (job.state === 'running') {
      Notification.update({
        id,
        message: message(share),
        type: 'in-progress',
        autoClose: false,
        progress: job.total ? share : undefined,
        actions
      });
    }
  }
  Notification.update({ id, actions: [], ...options.ended(job) });
  if (job.state !== 'done') {
    throw new LabsError(job.code, job.message);
  }
  return job;
}

/** Return a job that the server can say no more of as one that failed. */
function lost(job: IJob, reason: unknown): IJob {
  return { ...job, state: 'failed', code: 'lost', message: sentence(reason) };
}
