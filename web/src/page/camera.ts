import { element } from "./elements";

/** Takes a picture with the camera; the stream ends as soon as the dialogue closes. */
export function offerCamera(taken: (picture: Blob) => void, complain: (text: string) => void): void {
  const button = element<HTMLButtonElement>("camera");
  const dialog = element<HTMLDialogElement>("camera-dialog");
  const view = element<HTMLVideoElement>("camera-view");
  button.hidden = !navigator.mediaDevices;
  button.addEventListener("click", async () => {
    try {
      view.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 } } });
      dialog.showModal();
    } catch (error) {
      complain(`The camera cannot be used (${error instanceof Error ? error.message : error}): allow it, or open a picture.`);
    }
  });
  dialog.addEventListener("close", () => {
    for (const track of (view.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
    view.srcObject = null;
  });
  element("camera-close").addEventListener("click", () => dialog.close());
  element("camera-take").addEventListener("click", async () => {
    const canvas = new OffscreenCanvas(view.videoWidth, view.videoHeight);
    canvas.getContext("2d")!.drawImage(view, 0, 0);
    dialog.close();
    taken(await canvas.convertToBlob({ type: "image/png" }));
  });
}
