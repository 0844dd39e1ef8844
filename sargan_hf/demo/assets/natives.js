// gradio's own components: their values come in as touches, and go out where the wish says something else than they do.
// Nothing here calls the server. `seen` is what the components hold.
const { names, most, opening } = props.wiring;
const seen = { open: false, camera: false, film: "", panels: false, intensity: null, region: null, view: null };
let shares = [];

const TYPING = 400; // milliseconds after a key until a number counts as typed
const typing = () => (document.activeElement?.type === "number" ? TYPING : 0);

const TOUCHES = {
  intensity: (value) => {
    if (typeof value !== "number") return; // a field that was just emptied
    desk.touch({ intensity: Math.min(most, Math.max(0, value)) }, "intensity", typing());
  },
  region: (value) => desk.touch({ region: value }, "region"),
  view: (value) => desk.touch({ view: value }, "view"),
};
desk.native = (name, value) => { seen[name] = value; TOUCHES[name](value); };
desk.share = (values) => {
  shares = values;
  const given = values.map((value) => Math.round(100 * Math.min(1, Math.max(0, value || 0))) / 100);
  desk.touch({ blend: Object.fromEntries(names.map((name, i) => [name, given[i]]).filter(([, share]) => share)) }, "shares", typing());
};

// The value for a component, or undefined, which leaves it alone.
const news = (name, value, made = value) => {
  if (desk.same(seen[name], value)) return undefined;
  seen[name] = value;
  return made;
};
const changed = (parts) => ({ __type__: "update", ...parts });
desk.players = () => {
  const order = desk.ordered("animate");
  const kind = order && !order.note ? desk.film : "";
  if (seen.film === kind) return [undefined, undefined];
  seen.film = kind;
  return ["MP4", "GIF"].map((one) => changed(one === kind ? { visible: true } : { visible: false, value: null }));
};
// What the server has just shown, which may be out of date by then and has to go again.
desk.made = (name) => {
  if (name === "explain") seen.panels = true;
  if (name === "animate") seen.film = "just made";
  desk.ended(name);
};
desk.unmade = (name) => {
  if (name === "animate") seen.film = "nothing";
  desk.ended(name, "That did not work; the message at the top right says why.");
};
desk.unfold = (open) => { seen.open = desk.choosing = open; };
desk.photographs = (on) => { desk.camera = on; desk.refresh(); };
desk.choose_film = (kind) => { desk.film = kind; desk.forget("animate"); };
const sharesOf = (blend) => {
  const before = shares;
  shares = names.map((name) => blend[name] ?? 0);
  return shares.map((share, i) => (share === before[i] ? undefined : share));
};
// In the order of `outputs` in layout.py.
desk.outputs = () => {
  const { intensity, region, view, blend } = desk.wish;
  const open = Boolean(desk.choosing), camera = Boolean(desk.camera);
  return [
    news("intensity", intensity), news("region", region), news("view", view),
    news("open", open, changed({ open })), news("camera", camera, changed(camera ? { visible: true } : { visible: false, value: null })),
    ...desk.players(), news("panels", seen.panels && Boolean(desk.ordered("explain")), changed({ visible: false })), ...sharesOf(blend),
  ];
};

// The panel of faces opens, and comes into view, for a picture in which there is something to choose. On a phone, where
// everything is below everything, the result of another one does.
let arrived = opening?.state.picture ?? null;
const PHONE = 760; // pixels wide, as in style.css
desk.watch(() => {
  const page = desk.page();
  if (!page || page.state.picture === arrived) return;
  arrived = page.state.picture;
  desk.choosing = Boolean(page.faces?.open);
  const wanted = desk.choosing ? "face-panel" : page.result && innerWidth <= PHONE ? "result" : "";
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  if (wanted) setTimeout(() => document.getElementById(wanted).scrollIntoView({ behavior, block: "nearest" }), 400);
});

const { intensity, region, view, blend, picture } = opening?.state || props.value;
if (opening) desk.sources[picture] = opening.result[0].url;
Object.assign(seen, { intensity, region, view });
shares = names.map((name) => blend[name] ?? 0);
desk.film = "MP4";
const EVENTS = ["ask", "download", "clip", "sheet", "pack", "animate", "recipe", "explain", "presets", "like", "replay"]; // gradio looks for their names here
const asks = (event) => (value) => { props.value = value; trigger(event); };
desk.start(props.value, {
  ...Object.fromEntries(EVENTS.map((event) => [event, asks(event)])), show: () => trigger("show"),
}, opening);
