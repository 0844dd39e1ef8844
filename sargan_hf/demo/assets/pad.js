// The blend pad: {expression: weight} as a dot, which stands at the weighted mean of the expressions' places.
const svg = element.querySelector("svg");
const dot = element.querySelector(".dot");
const shares = element.querySelector(".pad-value");
const { around, centre, radius, labels } = props.wiring;
const step = (2 * Math.PI) / around.length;
let angle = 0, distance = 1, held = false;

const blend = () => {
  const turn = (((angle / step) % around.length) + around.length) % around.length;
  const first = Math.floor(turn + 1e-6) % around.length;
  const share = Math.max(0, turn - Math.floor(turn + 1e-6));
  const weights = {};
  const add = (name, weight) => { if (weight >= 0.01) weights[name] = Math.round(100 * ((weights[name] || 0) + weight)) / 100; };
  add(around[first], distance * (1 - share));
  add(around[(first + 1) % around.length], distance * share);
  if (centre) add(centre, 1 - distance);
  else around.forEach((name) => add(name, (1 - distance) / around.length));
  return weights;
};

const draw = (weights) => {
  dot.setAttribute("cx", radius * distance * Math.sin(angle));
  dot.setAttribute("cy", -radius * distance * Math.cos(angle));
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0) || 1;
  const words = Object.entries(weights).filter(([, weight]) => weight > 0).sort((a, b) => b[1] - a[1])
    .map(([name, weight]) => `${Math.round((100 * weight) / total)}% ${(labels[name] || name).toLowerCase()}`).join(", ");
  shares.textContent = words;
  svg.setAttribute("aria-valuetext", words);
  svg.setAttribute("aria-valuenow", Math.round(100 * distance));
};

// Where the dot stands for a blend: exactly where it was dropped for the blends that the wheel makes, at the weighted mean
// of the expressions' places for all others.
const place = (weights) => {
  const shares = around.map((name) => (weights || {})[name] || 0);
  const outer = shares.reduce((sum, share) => sum + share, 0);
  const total = outer + ((weights || {})[centre] || 0);
  const first = shares.findIndex((share, index) => share > 0 && share + shares[(index + 1) % around.length] > outer - 1e-6);
  if (first >= 0) {
    angle = step * (first + shares[(first + 1) % around.length] / outer);
    distance = outer / total;
  } else {
    let x = 0, y = 0;
    shares.forEach((share, index) => { x += share * Math.sin(step * index); y -= share * Math.cos(step * index); });
    distance = total ? Math.hypot(x, y) / total : 0;
    if (distance > 0.001) angle = Math.atan2(x, -y);
  }
  draw(weights || {});
};

const follow = (event) => {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  distance = Math.min(1, Math.hypot(point.x, point.y) / radius);
  if (distance > 0.02) angle = Math.atan2(point.x, -point.y);
  draw(blend());
};
const send = () => desk.touch({ blend: blend() }, "pad");

svg.addEventListener("pointerdown", (event) => { held = true; svg.setPointerCapture(event.pointerId); follow(event); });
svg.addEventListener("pointermove", (event) => { if (held) follow(event); });
svg.addEventListener("pointerup", () => { if (held) { held = false; send(); } });
svg.addEventListener("pointercancel", () => { held = false; place(desk.wish.blend); });
svg.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const [turn, more] = moves[event.key];
  angle = step * (Math.round((4 * angle) / step) + turn) / 4;
  distance = Math.min(1, Math.max(0, Math.round(10 * (distance + more)) / 10));
  draw(blend());
  send();
});
// A dot in the hand, and one that stands for the wish already, stay where they are.
desk.watch(() => { if (!held && !desk.same(blend(), desk.wish.blend)) place(desk.wish.blend); });
place(props.value);
