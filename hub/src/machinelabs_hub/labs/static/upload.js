// The form that uploads a version of a dataset: what was chosen, how far each file is, and what went wrong.
(() => {
  const { Chosen, ofInput, ofDrop } = window.mlChosen;
  const { Api, Refused, Sending, Stopped } = window.mlSending;
  const SHOWN = 200;
  const CHANGED = (name) => `“${name}” was changed or moved on your machine meanwhile. Choose the files anew.`;

  const counted = (count) => `${count.toLocaleString("en")} ${count === 1 ? "file" : "files"}`;
  const sized = (bytes) => {
    let value = bytes;
    for (const unit of ["B", "kB", "MB", "GB"]) {
      if (value < 1024 || unit === "GB") return `${value.toFixed(value >= 10 || unit === "B" ? 0 : 1)} ${unit}`;
      value /= 1024;
    }
    return "";
  };

  // Where an upload that was cut off is gone on with, kept by this browser.
  const memory = (dataset) => {
    const key = `ml-upload ${dataset}`;
    const tried = (act) => {
      try {
        return act();
      } catch {
        return null;
      }
    };
    return {
      get: () => tried(() => JSON.parse(localStorage.getItem(key))),
      set: (said) => tried(() => localStorage.setItem(key, JSON.stringify(said))),
      drop: () => tried(() => localStorage.removeItem(key)),
    };
  };

  // Reads files in a worker, each once as long as the page is open.
  class Reader {
    constructor(address) {
      this.address = address;
      this.forget();
    }

    // What is read still is read no more.
    forget() {
      this.worker?.terminate();
      this.worker = new Worker(this.address);
      this.known = new WeakMap();
      this.asked = new Map();
      this.worker.addEventListener("message", ({ data }) => this.hear(data));
    }

    hear({ id, read, sha256, error }) {
      const asked = this.asked.get(id);
      if (read !== undefined) return asked.onRead(read);
      this.asked.delete(id);
      if (!error) return asked.done(sha256);
      this.known.delete(asked.blob);
      asked.failed(new Refused(CHANGED(asked.blob.name ?? "")));
    }

    // A file that is read already, or on its way, is not begun again.
    digest(blob, onRead = () => {}) {
      let asked = this.known.get(blob);
      if (!asked) {
        const id = (this.last = (this.last ?? 0) + 1);
        asked = { blob };
        asked.sha256 = new Promise((done, failed) => Object.assign(asked, { done, failed }));
        this.known.set(blob, asked);
        this.asked.set(id, asked);
        this.worker.postMessage({ id, blob });
      }
      asked.onRead = onRead;
      return asked.sha256;
    }
  }

  // The table of files: a row tells how far its file is.
  class List {
    constructor(box) {
      this.box = box;
      this.body = box.querySelector("tbody");
      this.rows = new Map();
    }

    show(files) {
      this.rows.clear();
      this.body.replaceChildren();
      for (const [path, file] of [...files].slice(0, SHOWN)) {
        const row = this.body.insertRow();
        row.insertCell().textContent = path;
        const size = row.insertCell();
        size.className = "ml-number ml-soft";
        size.textContent = sized(file.size);
        const state = row.insertCell();
        const bar = document.createElement("progress");
        bar.max = Math.max(file.size, 1);
        bar.value = 0;
        bar.setAttribute("aria-label", `How far ${path} is`);
        const words = document.createElement("span");
        words.textContent = "Waiting";
        state.append(bar, words);
        this.rows.set(path, { bar, words, size: file.size });
      }
      if (files.size > SHOWN) {
        const cell = this.body.insertRow().insertCell();
        cell.colSpan = 3;
        cell.textContent = `and ${counted(files.size - SHOWN)} more`;
      }
      this.box.hidden = !files.size;
    }

    set(path, words, bytes) {
      const row = this.rows.get(path);
      if (!row) return;
      row.bar.value = bytes === null ? 0 : row.size ? bytes : 1;
      if (row.words.textContent !== words) row.words.textContent = words;
    }
  }

  const start = () => {
    const form = document.getElementById("upload");
    if (!form) return;
    const part = (name) => document.getElementById(`upload-${name}`);
    const said = form.dataset;
    const kept = memory(said.dataset);
    const reader = new Reader(said.worker);
    const list = new List(part("list"));
    let chosen = new Chosen();
    let sending = null;

    const tell = (words) => (part("state").textContent = words);
    const trouble = (words) => {
      part("trouble").hidden = !words;
      part("trouble-words").textContent = words;
    };
    const away = (words) => {
      part("away").hidden = !words;
      part("away-words").textContent = words;
    };
    const overall = (value, max, words) => {
      part("all").hidden = !max;
      part("all-bar").max = Math.max(max, 1);
      part("all-bar").value = value;
      part("all-words").textContent = words;
    };
    const BUTTONS = { choosing: ["send", "clear"], working: ["stop"], stopped: ["go-on", "over"] };
    const phase = (name, focus = true) => {
      form.dataset.phase = name;
      part("choose").disabled = name !== "choosing";
      const isEmpty = name === "choosing" && !chosen.files.size;
      for (const [of, buttons] of Object.entries(BUTTONS)) {
        for (const one of buttons) part(one).hidden = of !== name || isEmpty;
      }
      if (focus) (isEmpty ? part("files") : part(BUTTONS[name][0])).focus();
    };

    const fault = () => {
      const count = chosen.files.size;
      if (count > Number(said.mostFiles)) {
        return `These are ${counted(count)}. A version may have ${counted(Number(said.mostFiles))}: pack many small ones into one.`;
      }
      if (chosen.size > Number(said.mostGib) * 2 ** 30) {
        return `These files have ${sized(chosen.size)}. A version may hold ${said.mostGib} GB.`;
      }
      return "";
    };
    const take = (found) => {
      chosen.add(found);
      list.show(chosen.files);
      const hidden = chosen.hidden ? ` Hidden ones stay with you: ${counted(chosen.hidden)}.` : "";
      tell(chosen.files.size || hidden ? `${counted(chosen.files.size)}, ${sized(chosen.size)}.${hidden}` : "");
      trouble(fault());
      phase("choosing", false);
      part("send").disabled = Boolean(fault());
    };
    const clear = () => {
      chosen = new Chosen();
      part("files").value = part("folder").value = "";
      overall(0, 0, "");
      reader.forget();
      take([]);
      phase("choosing");
    };

    const read = async () => {
      tell("Your browser reads the files …");
      const files = [];
      const total = chosen.size;
      let before = 0;
      for (const [path, file] of chosen.files) {
        const onRead = (bytes) => {
          list.set(path, "Reading", bytes);
          overall(before + bytes, total, `${sized(before + bytes)} of ${sized(total)} read`);
        };
        const sha256 = await Promise.race([sending.stopped, reader.digest(file, onRead)]);
        before += file.size;
        list.set(path, "Waiting", null);
        files.push({ path, size: file.size, sha256 });
      }
      return files;
    };
    const withKept = async (files) => {
      if (!part("keep")?.checked) return files;
      const old = await sending.filesOf(said.version);
      return [...files, ...old.filter(({ path }) => !chosen.files.has(path))];
    };
    const begun = async (files) => {
      const digest = await reader.digest(new Blob([JSON.stringify(files.map((one) => [one.path, one.sha256]))]));
      const before = kept.get();
      const goesOn = before?.digest === digest ? await sending.left(before.id) : null;
      if (goesOn) return goesOn;
      if (before?.id) await sending.giveUp(before.id);
      kept.drop();
      const upload = await sending.begin(files, part("message").value);
      kept.set({ id: upload.id, digest });
      return upload;
    };
    const send = async () => {
      const chosenFiles = await read();
      const all = await withKept(chosenFiles);
      const files = all.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
      const upload = await begun(files);
      const missing = new Set(upload.missing);
      const paths = new Map([...missing].map((sha256) => [sha256, []]));
      for (const { path, size, sha256 } of chosenFiles) {
        if (missing.has(sha256)) paths.get(sha256).push(path);
        else list.set(path, "There already", size);
      }
      const sources = new Map([...paths].map(([sha256, [path]]) => [sha256, chosen.files.get(path)]));
      if ([...sources.values()].includes(undefined)) {
        throw new Refused("The site lacks a file of the version before. Choose all files, and keep none.");
      }
      const total = [...sources.values()].reduce((sum, file) => sum + file.size, 0);
      const sent = new Map();
      let sum = 0;
      overall(0, total, `0 B of ${sized(total)} sent`);
      tell(`Sending ${counted(missing.size)} …`);
      sending.tells.onSent = (sha256, bytes) => {
        const { size } = sources.get(sha256);
        sum += bytes - (sent.get(sha256) ?? 0);
        sent.set(sha256, bytes);
        for (const path of paths.get(sha256)) list.set(path, bytes < size ? "Sending" : "Sent", bytes);
        overall(sum, total, `${sized(sum)} of ${sized(total)} sent`);
      };
      await sending.send(upload, sources);
      const version = await sending.finish(upload.id);
      kept.drop();
      return version;
    };
    const work = async () => {
      trouble("");
      sending = new Sending(new Api(said.api, said.csrf), {
        onAway: (seconds) => away(`The connection is lost. It is tried again in ${seconds} s; what came is kept.`),
        onBack: () => away(""),
        onSent: () => {},
      });
      phase("working");
      try {
        const version = await send();
        form.dataset.phase = "done";
        tell(`This is v${version.number} now.`);
        location.assign(`${said.page}/@v${version.number}`);
      } catch (error) {
        if (error instanceof Refused) trouble(error.message);
        else if (!(error instanceof Stopped)) throw error;
        tell(kept.get() ? "It is stopped. What came is kept for some days: you can go on." : "Nothing was sent.");
        phase("stopped");
      } finally {
        away("");
        sending.stop();
      }
    };
    const startOver = async () => {
      const before = kept.get();
      kept.drop();
      clear();
      if (!before?.id) return;
      // If this does not reach the site, what came is dropped there when its days are over.
      const last = new Sending(new Api(said.api, said.csrf), { onAway() {}, onBack() {}, onSent() {} });
      await last.giveUp(before.id).catch(() => {});
      last.stop();
    };

    for (const name of ["files", "folder"]) {
      part(name).addEventListener("change", (event) => take(ofInput(event.target)));
    }
    const drop = part("drop");
    const isOurs = () => form.dataset.phase === "choosing";
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.toggle("is-over", isOurs());
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("is-over");
      if (!isOurs()) return;
      ofDrop(event.dataTransfer).then(take, () => trouble("What you dropped cannot be read. Choose it instead."));
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (isOurs() && chosen.files.size) work();
    });
    part("clear").addEventListener("click", clear);
    part("stop").addEventListener("click", () => sending.stop());
    part("go-on").addEventListener("click", work);
    part("over").addEventListener("click", startOver);
    addEventListener("beforeunload", (event) => {
      if (form.dataset.phase === "working") event.preventDefault();
    });

    phase("choosing", false);
    if (kept.get()) tell("An upload to this dataset was cut off. Choose the same files to go on where it was.");
    part("off").hidden = true;
    form.hidden = false;
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
