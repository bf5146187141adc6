// A worker: reads files piece by piece and tells their SHA-256, so that the page does not stand still.
(() => {
  const PIECE = 4 << 20;

  const digest = async (id, blob) => {
    const hash = self.mlSha256.create();
    for (let at = 0; at < blob.size; at += PIECE) {
      hash.update(new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()));
      self.postMessage({ id, read: Math.min(at + PIECE, blob.size) });
    }
    const hex = [...hash.digest()].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    self.postMessage({ id, sha256: hex });
  };

  self.addEventListener("message", ({ data: { id, blob } }) => {
    digest(id, blob).catch((error) => self.postMessage({ id, error: error.name }));
  });
})();
