// A small typed client of the app's API, for browsers and for Node, with nothing but fetch. edit.mts shows it at work.

/** What /edit may be given beside the picture; docs/api.md says what each may be. */
export interface Edit {
  expression?: string | Record<string, number>;
  intensity?: number;
  faces?: "largest" | "all" | string | number[];
  box?: [number, number, number, number];
  region?: "mouth" | "eyes" | number[][];
  points?: [number, number][];
  controls?: Record<string, number>;
  preset?: string | { expression?: Record<string, number>; controls?: Record<string, number>; intensity?: number };
  like?: string;
  recipe?: { sargan_recipe: 1; faces?: "largest" | "all" | number[]; edits: object[] };
  format?: "png" | "jpg" | "webp" | "tiff" | "avif";
}

export interface Face {
  number: number;
  box: [number, number, number, number];
  score: number;
}

/** What the server says of a call that cannot work, in a sentence. */
export class SarganError extends Error {}

export class SarganClient {
  readonly api: string;

  constructor(server: string) {
    this.api = `${server.replace(/\/$/, "")}/gradio_api`;
  }

  /** Sends a file; gives the path to use as picture or like. */
  async upload(picture: Blob, name: string): Promise<string> {
    const form = new FormData();
    form.append("files", picture, name);
    const answer = await this.fetched(`${this.api}/upload`, { method: "POST", body: form });
    return ((await answer.json()) as string[])[0];
  }

  /** The file of the edited picture. */
  async edit(picture: string, asked: Edit = {}): Promise<Blob> {
    const result = (await this.call("edit", { picture, ...asked })) as { url: string };
    return (await this.fetched(result.url)).blob();
  }

  /** The faces of a picture, the largest first. */
  async findFaces(picture: string): Promise<Face[]> {
    return ((await this.call("find_faces", { picture })) as { faces: Face[] }).faces;
  }

  private async call(endpoint: string, values: object): Promise<unknown> {
    const started = await this.fetched(`${this.api}/call/v2/${endpoint}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(values),
    });
    const { event_id: event } = (await started.json()) as { event_id: string };
    const answer = await (await this.fetched(`${this.api}/call/${endpoint}/${event}`)).text();
    const [kind, content] = answer.trim().split("event: ").pop()!.split("\ndata: ");
    const result = JSON.parse(content);
    if (kind !== "complete") throw new SarganError(result.error);
    return result[0];
  }

  private async fetched(address: string, init?: RequestInit): Promise<Response> {
    const answer = await fetch(address, init);
    if (!answer.ok) throw new SarganError(((await answer.json()) as { detail: string }).detail);
    return answer;
  }
}
