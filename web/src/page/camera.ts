import { NoFaceError, SteadyFace, type EditOptions, type Point, type Sargan } from "../lib";
import { element } from "./elements";

const LIVE_LONGEST = 640; // pixels of a frame that is edited
const FEW = 5; // frames over which their rate is counted

/** What the camera needs of the page. */
export interface CameraHost {
  editor: () => Sargan | undefined;
  /** What to do to a face that moves: no region of a picture counts. */
  options: () => EditOptions;
  taken: (picture: Blob) => void;
  complain: (text: string) => void;
}

/** Takes a picture with the camera, or shows it edited as it moves; the stream ends as soon as the dialogue closes. */
export function offerCamera(host: CameraHost): void {
  const button = element<HTMLButtonElement>("camera");
  const dialog = element<HTMLDialogElement>("camera-dialog");
  const view = element<HTMLVideoElement>("camera-view");
  const live = element<HTMLButtonElement>("camera-live");
  button.hidden = !navigator.mediaDevices;
  button.addEventListener("click", async () => {
    try {
      view.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 } } });
      dialog.showModal();
    } catch (error) {
      host.complain(`The camera cannot be used (${error instanceof Error ? error.message : error}): allow it, or open a picture.`);
    }
  });
  const setLive = (on: boolean) => {
    live.setAttribute("aria-pressed", String(on));
    element("live-view").hidden = !on;
    element("camera-status").textContent = on ? "Starting …" : "";
  };
  dialog.addEventListener("close", () => {
    setLive(false);
    for (const track of (view.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
    view.srcObject = null;
  });
  element("camera-close").addEventListener("click", () => dialog.close());
  element("camera-take").addEventListener("click", async () => {
    const frame = grabbed(view, Infinity);
    dialog.close();
    host.taken(await frame.convertToBlob({ type: "image/png" }));
  });
  live.addEventListener("click", () => {
    const on = live.getAttribute("aria-pressed") !== "true";
    setLive(on);
    const isWanted = () => dialog.open && live.getAttribute("aria-pressed") === "true";
    if (on) void showLive(view, host, isWanted).catch((error: Error) => (element("camera-status").textContent = error.message));
  });
}

/** Edits frame after frame, as fast as the device can, until it is not wanted any more. */
async function showLive(view: HTMLVideoElement, host: CameraHost, isWanted: () => boolean): Promise<void> {
  const canvas = element<HTMLCanvasElement>("live-view");
  const status = element("camera-status");
  const steady = new SteadyFace();
  const times: number[] = [];
  let points: readonly Point[] | undefined;
  while (isWanted()) {
    const editor = host.editor();
    if (!editor) return void (status.textContent = "The editor is still loading: try again in a moment.");
    const frame = grabbed(view, LIVE_LONGEST);
    try {
      points = await editedFrame(editor, frame, host.options(), points, steady, canvas);
      times.push(performance.now());
      if (times.length > FEW) times.shift();
      const rate = (1000 * (times.length - 1)) / (times.at(-1)! - times[0]!);
      status.textContent = times.length > 1 ? `${rate.toFixed(1)} frames a second` : "Starting …";
    } catch (error) {
      if (!(error instanceof NoFaceError)) throw error;
      points = undefined;
      steady.forget();
      sized(canvas, frame).drawImage(frame, 0, 0);
      status.textContent = "No face is seen: look at the camera.";
    }
  }
}

async function editedFrame(
  editor: Sargan,
  frame: OffscreenCanvas,
  options: EditOptions,
  before: readonly Point[] | undefined,
  steady: SteadyFace,
  canvas: HTMLCanvasElement,
): Promise<readonly Point[]> {
  const portrait = await editor.open(frame, "the camera");
  try {
    const face = before ? await portrait.follow(before) : (await portrait.faces({ faces: "largest" }))[0]!;
    const edited = await portrait.edit({ ...options, points: steady.next(face.points) });
    sized(canvas, frame).putImageData(edited.toImageData(), 0, 0);
    return face.points;
  } finally {
    void portrait.close();
  }
}

function grabbed(view: HTMLVideoElement, longest: number): OffscreenCanvas {
  const scale = Math.min(1, longest / Math.max(view.videoWidth, view.videoHeight));
  const canvas = new OffscreenCanvas(Math.round(view.videoWidth * scale), Math.round(view.videoHeight * scale));
  canvas.getContext("2d")!.drawImage(view, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** The canvas at a frame's size; what it shows stays where it has that size, as setting it would empty it. */
function sized(canvas: HTMLCanvasElement, { width, height }: OffscreenCanvas): CanvasRenderingContext2D {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  return canvas.getContext("2d")!;
}
