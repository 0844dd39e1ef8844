import type { App } from "./app";
import { element, pictureButton } from "./elements";
import type { Panel } from "./panel";

/** A line of `examples.json`, which `sargan export --web` writes: pictures and what this model makes of them. */
interface Example {
  title: string;
  picture: string;
  edited: string;
  previews: string;
  thumbnail: string;
  expression: string;
}

export interface Examples {
  expressions: string[];
  examples: Example[];
}

/** Offers the examples, and opens the first with its finished edit. */
export async function showExamples({ examples }: Examples, app: App, panel: Panel): Promise<void> {
  for (const example of examples) {
    const picture = new Image();
    Object.assign(picture, { src: example.thumbnail, alt: "", loading: "lazy", width: 96, height: 96 });
    const button = pictureButton(example.title, picture);
    button.addEventListener("click", () => void openExample(example, app, panel));
    element("examples").append(button);
  }
  if (examples[0]) await openExample(examples[0], app, panel);
}

async function openExample(example: Example, app: App, panel: Panel): Promise<void> {
  try {
    const [picture, edited, previews] = await Promise.all([example.picture, example.edited, example.previews].map(fetched));
    panel.fillFrom(await createImageBitmap(previews!));
    const name = example.picture.slice(example.picture.lastIndexOf("/") + 1);
    await app.open(picture!, name, { edited: await createImageBitmap(edited!), expression: example.expression });
  } catch (error) {
    app.tell(`The example "${example.title}" does not open (${error instanceof Error ? error.message : error}): try again.`, true);
  }
}

async function fetched(path: string): Promise<Blob> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} answers ${response.status}`);
  return response.blob();
}
