import { Sargan, type SarganError } from "../lib";
import { App } from "./app";
import { offerCamera } from "./camera";
import { element, save } from "./elements";
import { showExamples, type Examples } from "./examples";
import { Panel } from "./panel";
import { Stage } from "./stage";
import { offerMarking } from "./mark-face";
import { editOptions } from "./recipe";
import { allExpressions, canFilm, filmLoop, gifLoop, missingSprites, sprites, type LoopOrder } from "./take-away";

const folder = new URL("./", location.href);

async function main(): Promise<void> {
  const offered = (await (await fetch(new URL("examples.json", folder))).json()) as Examples;
  const panel = new Panel(offered.expressions);
  const stage = new Stage();
  const app = new App(stage, panel);
  offerOpening(app);
  offerTakingAway(app);
  offerMarking(stage, (box) => void app.mark(box), (text) => app.tell(text));
  offerCamera({
    editor: () => app.editor,
    options: () => ({ ...editOptions(app.recipe), faces: "largest", box: undefined }),
    taken: (picture) => void app.open(picture, "camera.png"),
    complain: (text) => app.tell(text, true),
  });
  const examples = showExamples(offered, app, panel);
  const editor = await load(app);
  if (!editor) return;
  panel.offer(editor);
  element("about").textContent = `Model ${editor.manifest.model}, version ${editor.manifest.version}.`;
  keepForOffline();
  await examples;
  await app.start(editor);
}

async function load(app: App): Promise<Sargan | undefined> {
  const progress = element<HTMLProgressElement>("progress");
  try {
    return await Sargan.load(folder, {
      threads: Number(new URLSearchParams(location.search).get("threads")) || undefined,
      onProgress: (loaded, total) => {
        progress.value = loaded / total;
        const share = `${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
        app.tell(loaded < total ? `Loading the editor: ${share} …` : "Starting the editor …");
      },
    });
  } catch (error) {
    app.tell((error as SarganError).message, true);
    return undefined;
  } finally {
    progress.hidden = true;
  }
}

function offerOpening(app: App): void {
  const file = element<HTMLInputElement>("file");
  const stage = element("stage");
  element("open").addEventListener("click", () => file.click());
  const open = (chosen: File | null | undefined) => chosen && void app.open(chosen, chosen.name);
  file.addEventListener("change", () => {
    open(file.files?.[0]);
    file.value = ""; // the same file may be opened again
  });
  const dropping = (on: boolean) => {
    stage.classList.toggle("dropping", on);
    element("drop-hint").hidden = !on;
  };
  window.addEventListener("dragover", (event) => {
    event.preventDefault();
    dropping(true);
  });
  window.addEventListener("dragleave", (event) => event.relatedTarget === null && dropping(false));
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    dropping(false);
    open(event.dataTransfer?.files[0]);
  });
  window.addEventListener("paste", (event) => open(event.clipboardData?.files[0]));
}

function offerTakingAway(app: App): void {
  const action = (id: string, perform: () => Promise<void>) =>
    element<HTMLButtonElement>(id).addEventListener("click", async ({ currentTarget }) => {
      const button = currentTarget as HTMLButtonElement;
      button.disabled = true;
      try {
        await perform();
      } catch (error) {
        if ((error as Error).name !== "AbortError") app.tell((error as Error).message, true); // of a dialogue that was closed
      } finally {
        button.disabled = false;
      }
    });
  const give = (file: File) => {
    save(file);
    app.tell(`Saved ${file.name}.`);
  };
  const tell = (text: string) => app.tell(text);
  action("download", async () => give(await (await app.result()).toFile()));
  const order = (): LoopOrder => ({ editor: app.editor!, source: app.source!, name: app.portrait!.name, recipe: app.recipe, tell });
  action("loop", async () => give(await gifLoop(order())));
  action("film", async () => give(await filmLoop(order())));
  action("sprites", async () => {
    const missing = missingSprites(app.editor!.manifest);
    give(await sprites(order()));
    if (missing.length) app.tell(`Saved. ${missing.join(", ")} show the face as it is: they need a model with facial controls.`);
  });
  void canFilm().then((can) => (element("film").hidden = !can));
  action("all", async () => give(await allExpressions(app.portrait!, app.editor!.manifest, app.recipe, tell)));
  action("share", async () => navigator.share({ files: [await (await app.result()).toFile()] }));
  const probe = new File([""], "probe.png", { type: "image/png" });
  element("share").hidden = !navigator.canShare?.({ files: [probe] });
}

/** Lets the service worker keep the editor's own files, so that it opens without a network from now on. */
function keepForOffline(): void {
  if ("serviceWorker" in navigator) void navigator.serviceWorker.register(new URL("sw.js", folder)).catch(() => undefined);
}

void main().catch((error: Error) => {
  element("status").textContent = `The page cannot start (${error.message}): reload it.`;
});
