// Sends a version of a dataset through the API: what it is to hold first, then what the site lacks of
// it, in parts. What came stays at the site, so a line that broke is gone on with where it broke.
(() => {
  const PART = 16 << 20;
  const SMALL = 1 << 20;
  const LANES = 3;
  const TRIES = 8;
  const LONGEST_WAIT = 15;
  const AGAIN = new Set([0, 408, 425, 429, 500, 502, 503, 504]);

  // The site's own sentence, or ours where it did not answer.
  class Refused extends Error {
    constructor(message, { status = 0, code = "", received = null } = {}) {
      super(message);
      Object.assign(this, { status, code, received });
    }
  }
  class Stopped extends Error {}

  const newKey = () =>
    [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  class Api {
    constructor(base, csrf) {
      this.base = base;
      this.csrf = csrf;
      this.open = new Set();
    }

    ask(method, path, { json, blob, onSent, key } = {}) {
      return new Promise((done, failed) => {
        const request = new XMLHttpRequest();
        request.open(method, this.base + path);
        if (method !== "GET") request.setRequestHeader("X-CSRF-Token", this.csrf);
        if (key) request.setRequestHeader("Idempotency-Key", key);
        if (json) request.setRequestHeader("Content-Type", "application/json");
        if (blob) request.setRequestHeader("Content-Type", "application/octet-stream");
        if (onSent) request.upload.addEventListener("progress", (event) => onSent(event.loaded));
        request.addEventListener("loadend", () => {
          this.open.delete(request);
          let said = null;
          try {
            said = request.responseText ? JSON.parse(request.responseText) : null;
          } catch {
            // A proxy in between answered with a page of its own: its status says enough.
          }
          if (request.status >= 200 && request.status < 300) return done(said);
          const words = said?.message || `The site answered ${request.status}. Try again later.`;
          failed(new Refused(words, { ...said, status: request.status }));
        });
        this.open.add(request);
        request.send(json ? JSON.stringify(json) : (blob ?? null));
      });
    }

    abort() {
      for (const request of this.open) request.abort();
    }
  }

  // One upload; it is stopped once, and another one goes on with what it left.
  class Sending {
    // `tells` has onAway(seconds), onBack() and onSent(sha256, bytes).
    constructor(api, tells) {
      this.api = api;
      this.tells = tells;
      this.isStopped = false;
      this.stopped = new Promise((_, failed) => (this.fail = failed));
      this.stopped.catch(() => {});
      this.wake = new Set();
      this.onOnline = () => this.wake.forEach((one) => one());
      addEventListener("online", this.onOnline);
    }

    stop() {
      this.isStopped = true;
      this.fail(new Stopped());
      this.api.abort();
      this.onOnline();
      removeEventListener("online", this.onOnline);
    }

    check() {
      if (this.isStopped) throw new Stopped();
    }

    pause(seconds) {
      return new Promise((done) => {
        const end = () => {
          clearTimeout(timer);
          this.wake.delete(end);
          done();
        };
        const timer = setTimeout(end, seconds * 1000);
        this.wake.add(end);
      });
    }

    // Ask until there is an answer; every success begins the tries anew.
    async lasting(act) {
      let wait = 1;
      for (let left = TRIES; ; left -= 1) {
        this.check();
        try {
          const answer = await act();
          if (left < TRIES) this.tells.onBack();
          return answer;
        } catch (error) {
          this.check();
          const isBusy = error.code === "part_busy";
          if (!(error instanceof Refused) || !(AGAIN.has(error.status) || isBusy)) throw error;
          if (left <= 1) {
            throw error.status && !isBusy
              ? error
              : new Refused("The site could not be reached for a while. What came is kept there.");
          }
          if (!isBusy) this.tells.onAway(wait);
          await this.pause(wait);
          wait = Math.min(wait * 2, LONGEST_WAIT);
        }
      }
    }

    ask(method, path, options) {
      return this.lasting(() => this.api.ask(method, path, options));
    }

    async filesOf(version) {
      const found = [];
      for (let cursor = ""; cursor !== null;) {
        const asked = new URLSearchParams({ limit: "1000", ...(cursor ? { cursor } : {}) });
        const page = await this.ask("GET", `/versions/${version}/files?${asked}`);
        found.push(...page.items);
        cursor = page.next;
      }
      return found;
    }

    begin(files, message) {
      return this.ask("POST", "/uploads", { json: { files, message }, key: newKey() });
    }

    // What of an earlier upload is missing; null where there is none any more.
    async left(id) {
      try {
        return await this.ask("GET", `/uploads/${id}`);
      } catch (error) {
        if (error.status === 404) return null;
        throw error;
      }
    }

    async giveUp(id) {
      try {
        await this.ask("DELETE", `/uploads/${id}`);
      } catch (error) {
        if (error.status !== 404) throw error;
      }
    }

    // `sources` has a file for every SHA-256 that is missing.
    async send(upload, sources) {
      const waiting = [...upload.missing];
      const lane = async () => {
        while (waiting.length) {
          const sha256 = waiting.shift();
          await this.sendOne(upload.id, sha256, sources.get(sha256));
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
    }

    async sendOne(id, sha256, file) {
      const path = `/uploads/${id}/contents/${sha256}`;
      // Of a small one it is not asked for first how much is there: if some is, the answer says so.
      let received = file.size > SMALL ? (await this.ask("GET", path)).received : 0;
      this.tells.onSent(sha256, received);
      for (let isFirst = true; isFirst || received < file.size; isFirst = false) {
        received = await this.sendPart(path, file, received, (bytes) => this.tells.onSent(sha256, bytes));
        this.tells.onSent(sha256, received);
      }
    }

    sendPart(path, file, from, onSent) {
      let at = from;
      return this.lasting(async () => {
        const blob = file.slice(at, at + PART);
        const asked = { blob, onSent: (bytes) => onSent(at + Math.min(bytes, blob.size)) };
        try {
          return (await this.api.ask("PUT", `${path}?at=${at}`, asked)).received;
        } catch (error) {
          if (error.code === "part_gap") return error.received;
          this.check();
          await isReadable(file);
          // Some of it may have come: the next try goes on behind that.
          if (AGAIN.has(error.status)) at = (await this.api.ask("GET", path)).received;
          throw error;
        }
      });
    }

    finish(id) {
      return this.ask("POST", `/uploads/${id}/finish`, { key: newKey() });
    }
  }

  const isReadable = async (file) => {
    try {
      await file.slice(0, 1).arrayBuffer();
    } catch {
      throw new Refused(`“${file.name}” was changed or moved on your machine meanwhile. Choose the files anew.`);
    }
  };

  window.mlSending = { Api, Refused, Sending, Stopped };
})();
