// What the visitor wants, and what the page shows of it. At most one wish is on its way to the server; when its answer
// comes, the newest wish follows, and only an answer to the newest one is shown. All parts of the page share this one desk.
const desk = (window.sargan ??= (() => {
  const sorted = (_, part) => part && typeof part === "object" && !Array.isArray(part)
    ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1))) : part;
  const same = (one, other) => JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
  const copy = (value) => JSON.parse(JSON.stringify(value));
  const OF_THE_PICTURE = ["boxes", "chosen"]; // what makes no sense for another picture
  const desk = { wish: null, touched: "", arriving: null, busy: false, sources: {}, same, copy };
  const watchers = [];
  const lent = {}; // what components lend: ask, show, and one function for each order
  const orders = {};
  // The wish that the newest answer is for, the one on its way; the newest answer, the one being fetched, the one shown.
  let confirmed, sent, newest = null, fetching = null, shown = null;
  let number = 0, held = false, delay = 0;

  const waits = () => desk.busy || desk.arriving || held || delay;
  const settled = () => !waits() && same(desk.wish, confirmed);
  desk.working = () => Boolean(desk.busy || desk.arriving || fetching);
  // The answer for the picture wanted, or null: nothing of one person stays while another one's picture comes.
  desk.page = () => (!desk.arriving && shown?.state.picture === desk.wish.picture ? shown : null);

  desk.start = (wish, functions) => {
    desk.wish = copy(wish);
    confirmed = copy(wish);
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
      if (parts.picture !== desk.wish.picture) Object.assign(desk.wish, { boxes: [], chosen: null });
    }
    Object.assign(desk.wish, copy(parts));
    desk.touched = kind;
    clearTimeout(delay);
    delay = wait ? setTimeout(() => { delay = 0; plan(); }, wait) : 0;
    plan();
  };
  desk.arrive = (picture) => {
    desk.arriving = picture;
    if (!picture) withdraw();
    plan();
  };
  desk.hold = (on) => { if (held !== on) { held = on; plan(); } };

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
    sent = copy(desk.wish);
    desk.busy = true;
    lent.ask(payload(sent));
  };
  // What was not touched since it was sent becomes what the server made of it, or what it was before.
  const adopt = (state) => {
    const other = desk.wish.picture !== sent.picture;
    for (const [name, value] of Object.entries(state)) {
      if (!(other && OF_THE_PICTURE.includes(name)) && same(desk.wish[name], sent[name])) desk.wish[name] = copy(value);
    }
  };
  desk.answered = (answer) => {
    if (!desk.busy || answer?.number !== number) return;
    desk.busy = false;
    adopt(answer.state);
    confirmed = copy(answer.state);
    newest = answer;
    if (answer.problem) withdraw();
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
    await Promise.allSettled((answer.result || []).map((file) => Object.assign(new Image(), { src: file.url }).decode()));
    if (fetching !== answer) return;
    fetching = null;
    if (answer === newest && same(desk.wish, confirmed)) shown = answer;
    notify();
  };

  // Files made on request. An order waits until the server has what the page wants; what it makes goes out of date with
  // any later touch but one of the view.
  const stamp = () => JSON.stringify({ ...desk.wish, view: "", arriving: Boolean(desk.arriving) }, sorted);
  desk.order = (name) => {
    if (orders[name]?.running) return;
    orders[name] = { running: true };
    plan();
  };
  // What was ordered of something that cannot be had is not made of something else.
  const withdraw = () => { for (const name of Object.keys(orders)) if (orders[name].running && !orders[name].stamp) delete orders[name]; };
  const fire = () => {
    for (const [name, order] of Object.entries(orders)) {
      if (!order.running || order.stamp) continue;
      order.stamp = stamp();
      if (newest?.result) lent[name](payload(confirmed));
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
