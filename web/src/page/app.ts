import { NoFaceError, uprightBitmap, type Box, type Edited, type EditOptions, type Face, type Portrait, type Sargan } from "../lib";
import { element } from "./elements";
import { described, editOptions, History, PLAIN, type Recipe } from "./recipe";
import type { Panel } from "./panel";
import type { Stage } from "./stage";

/** A picture with what was made of it beforehand, so that there is something to see at once. */
export interface Finished {
  edited: ImageBitmap;
  expression: string;
}

/** What is open, what the visitor chose, and what is being made. */
export class App {
  editor?: Sargan;
  portrait?: Portrait;
  source?: Blob;
  edited?: Edited;
  recipe: Recipe = PLAIN;
  private readonly history = new History<Recipe>();
  private faces: Face[] = [];
  private opened = 0; // counts pictures, so that what was made for an earlier one is left out
  private work?: Promise<void>;
  private isStale = false;
  private filling = 0;
  private pending?: { blob: Blob; name: string; finished: Finished | undefined };

  constructor(
    private readonly stage: Stage,
    private readonly panel: Panel,
  ) {
    panel.onChange = (change, isSettled) => this.change(change, isSettled);
    panel.onPresets = () => void this.fillPresets();
    element("undo").addEventListener("click", () => this.travel("undo"));
    element("redo").addEventListener("click", () => this.travel("redo"));
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
      event.preventDefault();
      this.travel(event.shiftKey ? "redo" : "undo");
    });
  }

  /** The model is here: what was opened before is taken up. */
  async start(editor: Sargan): Promise<void> {
    this.editor = editor;
    if (this.pending) {
      const { blob, name, finished } = this.pending;
      this.pending = undefined;
      await this.take(blob, name, finished);
    }
  }

  /** Opens a picture: shown at once, edited as soon as the model is here. */
  async open(blob: Blob, name: string, finished?: Finished): Promise<void> {
    const mine = ++this.opened;
    this.panel.enable(false);
    element<HTMLButtonElement>("mark").disabled = true;
    let bitmap: ImageBitmap;
    try {
      bitmap = await uprightBitmap(blob);
    } catch {
      this.tell(`${name} is not a picture that this browser can read: use JPEG, PNG, WebP, AVIF or GIF.`, true);
      return;
    }
    if (mine !== this.opened) return bitmap.close();
    this.stage.open(bitmap, finished?.edited);
    if (!finished) this.panel.clear();
    this.panel.clearPresets();
    this.faces = [];
    this.isStale = false;
    this.recipe = { ...PLAIN, first: finished?.expression ?? this.panel.usual };
    this.history.clear();
    this.history.add(this.recipe);
    this.showHistory();
    this.panel.show(this.recipe, 1);
    if (!this.editor) {
      this.pending = { blob, name, finished };
      return;
    }
    await this.take(blob, name, finished);
  }

  private async take(blob: Blob, name: string, finished: Finished | undefined): Promise<void> {
    const mine = this.opened;
    const editor = this.editor!;
    this.tell(finished ? described(this.recipe) : `Looking for faces in ${name} …`);
    void this.portrait?.close();
    this.edited?.close();
    this.portrait = this.edited = undefined;
    this.panel.enableChoice(!!finished); // its face was found beforehand
    try {
      const portrait = await editor.open(blob, name);
      const faces = await foundFaces(portrait);
      if (mine !== this.opened) return void portrait.close();
      [this.portrait, this.source, this.faces] = [portrait, blob, faces];
      element<HTMLButtonElement>("mark").disabled = false;
      if (!faces.length) {
        this.history.clear();
        this.tell("No face was found in this picture. Mark it by hand, or try one where the face is larger.", true);
        return;
      }
      this.aim();
      this.panel.show(this.recipe, faces.length);
      this.panel.enable(true);
      if (!finished || this.isStale) await this.refresh();
      if (mine === this.opened && !finished) await this.fillPreviews();
      await this.fillPresets();
    } catch (error) {
      this.complain(error, mine);
    }
  }

  /** A face that the visitor marked by hand. */
  async mark(box: Box): Promise<void> {
    this.panel.enable(true);
    this.change({ box, faces: [1] }, true);
    await this.work;
    this.panel.clear();
    this.panel.clearPresets();
    await this.fillPreviews();
    await this.fillPresets();
  }

  private fillPreviews(): Promise<void> {
    return this.fillWith((portrait, face, isWanted) => this.panel.fill(portrait, face, isWanted));
  }

  /** The newest filling goes on alone; what the visitor does meanwhile comes first. */
  private fillPresets(): Promise<void> {
    const mine = ++this.filling;
    const others = async () => this.work;
    return this.fillWith((portrait, face, isWanted) => this.panel.fillPresets(portrait, face, () => mine === this.filling && isWanted(), others));
  }

  private async fillWith(fill: (portrait: Portrait, face: Pick<EditOptions, "faces" | "box">, isWanted: () => boolean) => Promise<void>): Promise<void> {
    const { portrait, opened: mine } = this;
    const { box, faces } = this.recipe;
    const isWanted = () => mine === this.opened && String(box) === String(this.recipe.box);
    try {
      if (portrait) await fill(portrait, box ? { box } : { faces: [faces[0]!] }, isWanted);
    } catch (error) {
      this.complain(error, mine);
    }
  }

  /** Something else is chosen. Steps that are not settled, such as a slider on its way, are shown and not remembered. */
  private change(change: Partial<Recipe>, isSettled: boolean): void {
    const before = this.recipe;
    this.recipe = { ...this.recipe, ...change };
    if (isSettled) this.history.add(this.recipe);
    this.follow(before);
  }

  /** The edit that is shown, at the picture's full size; that of an example is made only when it is asked for. */
  async result(): Promise<Edited> {
    await this.work;
    if (!this.edited) await this.refresh();
    if (!this.edited) throw new Error("Nothing was edited yet: open a picture first.");
    return this.edited;
  }

  /** The stage looks at the faces that are edited. */
  private aim(): void {
    const { box, faces } = this.recipe;
    const boxes = box ? [box] : faces.map((number) => this.faces[number - 1]?.box).filter((found) => found !== undefined);
    if (boxes.length) this.stage.aim(boxes);
  }

  private travel(way: "undo" | "redo"): void {
    const recipe = this.history[way]();
    if (!recipe) return;
    const before = this.recipe;
    this.recipe = recipe;
    this.follow(before);
  }

  /** Shows and makes the recipe that came after another. */
  private follow(before: Recipe): void {
    this.panel.show(this.recipe, this.recipe.box ? 1 : this.faces.length || 1);
    if (String([this.recipe.faces, this.recipe.box]) !== String([before.faces, before.box])) this.aim();
    void this.refresh();
  }

  /** Makes the edit that is wanted now; while one is made, only the latest wish is kept. */
  private refresh(): Promise<void> {
    this.showHistory();
    this.isStale = true;
    this.work ??= this.makeWanted().finally(() => (this.work = undefined));
    return this.work;
  }

  private async makeWanted(): Promise<void> {
    while (this.isStale && this.portrait) {
      const mine = this.opened;
      this.isStale = false;
      try {
        await this.make(this.portrait, this.recipe, mine);
      } catch (error) {
        this.complain(error, mine);
      }
    }
  }

  private showHistory(): void {
    element<HTMLButtonElement>("undo").disabled = !this.history.canUndo;
    element<HTMLButtonElement>("redo").disabled = !this.history.canRedo;
  }

  private async make(portrait: Portrait, recipe: Recipe, mine: number): Promise<void> {
    this.edited?.close(); // it is not what is wanted any more, and the next one is as large
    this.edited = undefined;
    const edited = await portrait.edit(editOptions(recipe));
    const bitmap = await createImageBitmap(edited.toImageData());
    if (mine !== this.opened) {
      edited.close();
      return bitmap.close();
    }
    this.edited = edited;
    this.stage.update(bitmap, described(recipe));
    element("stage").dataset.opened = String(mine); // which picture the edit is of
    const notes = portrait.notes.length ? ` ${portrait.notes.join(" ")}` : "";
    if (!this.isStale) this.tell(described(recipe) + notes);
  }

  private complain(error: unknown, mine: number): void {
    if (mine !== this.opened) return;
    this.tell(error instanceof Error ? error.message : String(error), true);
  }

  tell(text: string, isProblem = false): void {
    const status = element("status");
    status.textContent = text;
    status.classList.toggle("problem", isProblem);
  }
}

async function foundFaces(portrait: Portrait): Promise<Face[]> {
  try {
    return await portrait.faces();
  } catch (error) {
    if (error instanceof NoFaceError) return [];
    throw error;
  }
}
