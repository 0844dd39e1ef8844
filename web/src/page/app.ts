import { NoFaceError, SarganError, type Edited, type Face, type Portrait, type Sargan } from "../lib";
import { element } from "./elements";
import { described, editOptions, History, type Recipe } from "./recipe";
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
  recipe: Recipe = { first: "happy", second: "", mix: 0.5, intensity: 1, region: "face", faces: [1] };
  private readonly history = new History<Recipe>();
  private faces: Face[] = [];
  private opened = 0; // counts pictures, so that what was made for an earlier one is left out
  private isBusy = false;
  private isStale = false;
  private pending?: { blob: Blob; name: string; finished: Finished | undefined };

  constructor(
    private readonly stage: Stage,
    private readonly panel: Panel,
  ) {
    panel.onChange = (change, isSettled) => this.change(change, isSettled);
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
    this.opened++;
    this.panel.enable(false);
    let bitmap: ImageBitmap;
    try {
      bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
    } catch {
      this.tell(`${name} is not a picture that this browser can read: use JPEG, PNG, WebP, AVIF or GIF.`, true);
      return;
    }
    this.stage.open(bitmap, finished?.edited);
    if (!finished) this.panel.clear();
    if (!this.editor) {
      this.pending = { blob, name, finished };
      return;
    }
    await this.take(blob, name, finished);
  }

  private async take(blob: Blob, name: string, finished: Finished | undefined): Promise<void> {
    const mine = this.opened;
    const editor = this.editor!;
    this.tell(`Looking for faces in ${name} …`);
    await this.portrait?.close();
    this.portrait = this.edited = undefined;
    try {
      const portrait = await editor.open(blob, name);
      const faces = await portrait.faces();
      if (mine !== this.opened) return void portrait.close();
      [this.portrait, this.source, this.faces] = [portrait, blob, faces];
      this.recipe = { first: finished?.expression ?? "happy", second: "", mix: 0.5, intensity: 1, region: editor.regions[0]!, faces: [1] };
      this.history.clear();
      this.history.add(this.recipe);
      this.aim();
      this.panel.show(this.recipe, faces.length);
      this.panel.enable(true);
      await this.refresh();
      if (mine === this.opened && !finished) await this.panel.fill(portrait, this.recipe.faces[0]!, () => mine === this.opened);
    } catch (error) {
      this.complain(error, mine);
    }
  }

  /** Something else is chosen. Steps that are not settled, such as a slider on its way, are shown and not remembered. */
  private change(change: Partial<Recipe>, isSettled: boolean): void {
    const before = this.recipe.faces;
    this.recipe = { ...this.recipe, ...change };
    if (isSettled) this.history.add(this.recipe);
    this.panel.show(this.recipe, this.faces.length);
    if (String(this.recipe.faces) !== String(before)) this.aim();
    void this.refresh();
  }

  /** The stage looks at the faces that are edited. */
  private aim(): void {
    this.stage.aim(this.recipe.faces.map((number) => this.faces[number - 1]!));
  }

  private travel(way: "undo" | "redo"): void {
    const recipe = this.history[way]();
    if (!recipe) return;
    const before = this.recipe.faces;
    this.recipe = recipe;
    this.panel.show(recipe, this.faces.length);
    if (String(recipe.faces) !== String(before)) this.aim();
    void this.refresh();
  }

  /** Makes the edit that is wanted now; while one is made, only the latest wish is kept. */
  private async refresh(): Promise<void> {
    element<HTMLButtonElement>("undo").disabled = !this.history.canUndo;
    element<HTMLButtonElement>("redo").disabled = !this.history.canRedo;
    this.isStale = true;
    if (this.isBusy) return;
    this.isBusy = true;
    const mine = this.opened;
    try {
      while (this.isStale && this.portrait && mine === this.opened) {
        this.isStale = false;
        await this.make(this.portrait, this.recipe, mine);
      }
    } catch (error) {
      this.complain(error, mine);
    } finally {
      this.isBusy = false;
    }
    if (mine !== this.opened && this.isStale) await this.refresh();
  }

  private async make(portrait: Portrait, recipe: Recipe, mine: number): Promise<void> {
    const edited = await portrait.edit(editOptions(recipe));
    const bitmap = await createImageBitmap(edited.toImageData());
    if (mine !== this.opened) return bitmap.close();
    this.edited = edited;
    this.stage.update(bitmap, described(recipe));
    const notes = portrait.notes.length ? ` ${portrait.notes.join(" ")}` : "";
    if (!this.isStale) this.tell(described(recipe) + notes);
  }

  private complain(error: unknown, mine: number): void {
    if (mine !== this.opened) return;
    if (error instanceof NoFaceError) {
      this.tell("No face was found in this picture. Try one where the face is larger or looks to the front.", true);
    } else {
      this.tell(error instanceof SarganError || error instanceof Error ? error.message : String(error), true);
    }
  }

  tell(text: string, isProblem = false): void {
    const status = element("status");
    status.textContent = text;
    status.classList.toggle("problem", isProblem);
  }
}
