// What the visitor wants, and what the page shows of it. At most one wish is on its way to the server; when its answer
// comes, the newest wish follows, and only an answer to the newest one is shown. All parts of the page share this one desk.
const desk = (window.sargan ??= (() => {
  const sorted = (_, part) => part && typeof part === "object" && !Array.isArray(part)
    ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1))) : part;
  const same = (one, other) => JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
  const copy = (value) => JSON.parse(JSON.stringify(value));
  const DRAGGED = ["intensity", "shares", "controls"];
  const GAP = 260; // milliseconds between two calls of a slider that is dragged: fewer than a visitor may make in a minute
  const OF_THE_PICTURE = { boxes: [], chosen: null, current: null, others: {} }; // what makes no sense for another picture
  const desk = { wish: null, touched: "", arriving: null, busy: false, sources: {}, takers: {}, same, copy };
  const watchers = [];
  const lent = {}; // what components lend: ask, show, and one function for each order
  const orders = {};
  // The wish that the newest answer is for, the one on its way; the newest answer, the one being fetched, the one shown.
  let confirmed, sent, newest = null, fetching = null, shown = null;
  let number = 0, sentAt = 0, delay = 0;

  const waits = () => desk.busy || desk.arriving || delay;
  const settled = () => !waits() && same(desk.wish, confirmed);
  desk.working = () => Boolean(desk.busy || desk.arriving || fetching);
  // The answer for the picture wanted, or null: nothing of one person stays while another one's picture comes.
  desk.page = () => (!desk.arriving && shown?.state.picture === desk.wish.picture ? shown : null);

  // `opening` is an answer that came with the page, so that there is something to see before the server is asked.
  desk.start = (wish, functions, opening = null) => {
    desk.wish = copy(opening?.state || wish);
    confirmed = copy(desk.wish);
    newest = shown = opening;
    past.push(copy(desk.wish));
    Object.assign(lent, functions);
    notify();
  };
  desk.watch = (watcher) => { watchers.push(watcher); if (desk.wish) watcher(); };
  const notify = (desk.refresh = () => { for (const watcher of watchers) watcher(); lent.show(); });

  // A touch of the visitor: the parts of the wish that it changes, and its kind. `wait` lets typing come to an end.
  desk.touch = (parts, kind, wait = 0) => {
    if (!desk.wish) return;
    if ("picture" in parts) {
      desk.arriving = null;
      if (parts.picture !== desk.wish.picture) Object.assign(desk.wish, copy(OF_THE_PICTURE));
    }
    Object.assign(desk.wish, copy(parts));
    desk.touched = kind;
    remember(kind);
    clearTimeout(delay);
    if (DRAGGED.includes(kind)) wait ||= Math.max(0, sentAt + GAP - Date.now());
    delay = wait ? setTimeout(() => { delay = 0; plan(); }, wait) : 0;
    plan();
  };

  // The steps that can be undone. What one hand does without a pause, such as dragging a slider, is one step.
  const PAUSE = 1000, MOST = 200; // milliseconds, steps
  const past = [];
  let at = 0, last = { kind: "", when: 0 };
  const remember = (kind) => {
    const now = Date.now(), goes_on = DRAGGED.includes(kind) && kind === last.kind && now - last.when < PAUSE;
    last = { kind, when: now };
    if (same(past[at], desk.wish)) return;
    past.splice(at + 1);
    if (goes_on && at) past[at] = copy(desk.wish);
    else at = past.push(copy(desk.wish)) - 1;
    if (past.length > MOST) { past.shift(); at -= 1; }
  };
  const travel = (step) => {
    if (!past[at + step] || desk.arriving) return;
    at += step;
    desk.wish = copy(past[at]);
    Object.assign(desk, { touched: step < 0 ? "undo" : "redo" });
    last.kind = "";
    plan();
  };
  desk.undo = () => travel(-1);
  desk.redo = () => travel(1);
  desk.steps = () => ({ back: at > 0, on: at < past.length - 1 });

  desk.arrive = (picture) => {
    desk.arriving = picture;
    if (!picture) withdraw();
    plan();
  };

  const plan = () => {
    if (!waits() && !same(desk.wish, confirmed)) send();
    if (settled()) { fire(); fetch(); }
    notify();
  };
  const payload = (wish) => {
    const uploaded = wish.picture && !wish.picture.startsWith("example:");
    const file = uploaded ? { path: wish.picture, meta: { _type: "gradio.FileData" } } : null;
    return { ...copy(wish), number, touched: desk.touched, file };
  };
  const send = () => {
    number += 1;
    sentAt = Date.now();
    sent = copy(desk.wish);
    desk.busy = true;
    lent.ask(payload(sent));
  };
  // What was not touched since it was sent becomes what the server made of it, or what it was before.
  const adopt = (state) => {
    const other = desk.wish.picture !== sent.picture;
    for (const [name, value] of Object.entries(state)) {
      if (!(other && name in OF_THE_PICTURE) && same(desk.wish[name], sent[name])) desk.wish[name] = copy(value);
    }
  };
  desk.answered = (answer) => {
    if (!desk.busy || answer?.number !== number) return;
    desk.busy = false;
    desk.problem = answer.problem;
    if (answer.problem) withdraw();
    if (answer.problem && !answer.state.picture) adopt(confirmed); // what was there stays
    else {
      adopt(answer.state);
      confirmed = copy(answer.state);
      newest = answer;
    }
    if (settled()) past[at] = copy(desk.wish); // a step is what became of it
    plan();
  };
  desk.failed = () => {
    if (!desk.busy) return;
    desk.busy = false;
    adopt(confirmed);
    withdraw();
    plan();
  };
  // Pictures are fetched before they are shown, so that one follows the other without a blank.
  const fetch = async () => {
    if (!newest || newest === shown || newest === fetching) return;
    const answer = (fetching = newest);
    answer.images = (answer.result || []).map((file) => Object.assign(new Image(), { src: file.url }));
    await Promise.allSettled(answer.images.map((image) => image.decode()));
    if (fetching !== answer) return;
    fetching = null;
    if (answer === newest && same(desk.wish, confirmed)) shown = answer;
    notify();
  };

  // Files made on request. An order waits until the server has what the page wants; what it makes goes out of date with
  // any later touch but one of the view.
  const stamp = () => JSON.stringify({ ...desk.wish, view: "", arriving: Boolean(desk.arriving) }, sorted);
  desk.order = (name, more = {}) => {
    if (orders[name]?.running) return;
    orders[name] = { running: true, more };
    plan();
  };
  // What was ordered of something that cannot be had is not made of something else.
  const withdraw = () => { for (const name of Object.keys(orders)) if (orders[name].running && !orders[name].stamp) delete orders[name]; };
  const fire = () => {
    for (const [name, order] of Object.entries(orders)) {
      if (!order.running || order.stamp) continue;
      order.stamp = stamp();
      if (newest?.result) lent[name]({ ...payload(confirmed), ...order.more });
      else Object.assign(order, { running: false, note: "Add a picture with a face first." });
    }
  };
  desk.ended = (name, note = "") => {
    Object.assign(orders[name], { running: false, note });
    notify();
  };
  // What was made, or is being made, is not what is wanted any more.
  desk.forget = (name) => {
    const order = orders[name];
    if (!order?.running) delete orders[name];
    else if (order.stamp) order.stamp = "out of date";
    notify();
  };
  // An order that is under way or whose result is up to date, else null.
  desk.ordered = (name) => {
    const order = orders[name];
    return order && (!order.stamp || order.stamp === stamp()) ? order : null;
  };
  desk.running = (name) => Boolean(orders[name]?.running);
  return desk;
})());
