/* The explorer's first screen: GD and FA with one hidden unit, three inputs and two outputs, so that W is an arrow.

   window.story holds what is shown: problem (Y, C, Z, W) and answer (runs, each with W, errors and cosines; levels). */
"use strict";

(() => {
  const STEP = 1 / 30; // of time, between frames
  const PACE = 40; // milliseconds a frame
  const LEAP = 24; // frames at once, where motion is to be reduced
  const SECOND = 0.5; // the lesser singular value of a Y of rank 2
  const TARGET_ANGLE = 22; // of Y's leading right singular vector, in degrees: C is never at a right angle to it
  const RULES = ["GD", "FA"];
  const RADIUS = 90;
  const CHART = { left: 34, right: 332, top: 10, bottom: 212, highest: 1.4 };

  const find = (id) => document.querySelector(`#story-${id}`);
  const [play, slider, feedback] = ["play", "frame", "feedback"].map(find);
  const FRAMES = Number(slider.max);
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  // --- the problem and its two runs ---

  const dot = (one, other) => one.reduce((sum, entry, i) => sum + entry * other[i], 0);
  const squared = (vector) => dot(vector, vector);
  const direction = (degrees) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];

  /** Return the problem: Y (three rows of two), C, Z and W. W starts at a fixed angle, far from Y's direction. */
  function makeProblem(rank, feedbackAngle) {
    const lesser = rank === 1 ? 0 : SECOND;
    return {
      Y: [direction(TARGET_ANGLE), direction(TARGET_ANGLE + 90).map((entry) => lesser * entry), [0, 0]],
      C: direction(feedbackAngle),
      Z: [0.1, 0.1, 0.1],
      W: direction(255).map((entry) => 0.6 * entry),
    };
  }

  /** Return a rule's field: dZ = (Y - ZW) B^T, where B is W under GD and C under FA, and dW = Z^T (Y - ZW). */
  function field({ Y, C }, rule) {
    return (state, slope) => {
      const [w1, w2] = [state[3], state[4]];
      const [b1, b2] = rule === "GD" ? [w1, w2] : C;
      [slope[3], slope[4]] = [0, 0];
      for (let i = 0; i < 3; i++) {
        const e1 = Y[i][0] - state[i] * w1;
        const e2 = Y[i][1] - state[i] * w2;
        slope[i] = e1 * b1 + e2 * b2;
        slope[3] += state[i] * e1;
        slope[4] += state[i] * e2;
      }
    };
  }

  const errorOf = (Y, state) =>
    squared(Y.flatMap((row, i) => row.map((entry, j) => entry - state[i] * state[3 + j])));

  /** Return a rule's run, frame by frame: W, the error over ||Y||^2, and the cosine of W with C. */
  function makeRun(problem, rule) {
    const { Y, C, Z, W } = problem;
    const [start, total] = [Float64Array.from([...Z, ...W]), squared(Y.flat())];
    const states = integrate.states(field(problem, rule), start, Array(FRAMES).fill(STEP), Infinity);
    const rows = states.map((state) => [state[3], state[4]]);
    return {
      W: rows,
      errors: states.map((state) => errorOf(Y, state) / total),
      cosines: rows.map((row) => dot(row, C) / Math.hypot(...row)),
    };
  }

  /** Return where FA stops (Lemma 1: Y projected on YC^T) and the best of rank one, over ||Y||^2. */
  function makeLevels({ Y, C }) {
    const total = squared(Y.flat());
    const sketch = Y.map((row) => dot(row, C));
    const projected = [0, 1].map((column) => dot(sketch, Y.map((row) => row[column])));
    return {
      stationary: 1 - squared(projected) / squared(sketch) / total,
      optimum: 1 - squared(Y[0]) / total,
    };
  }

  // --- the pictures ---

  const ways = {}; // of each rule, through both pictures

  const move = (element, attributes) =>
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));

  /** Return a point of the circle's picture, at a direction (x, y) and a distance of so many radii. */
  const onCircle = ([x, y], radii) => [RADIUS * radii * x, -RADIUS * radii * y];
  const onChart = (time, error) => [
    CHART.left + ((CHART.right - CHART.left) * time) / (FRAMES * STEP),
    CHART.bottom - ((CHART.bottom - CHART.top) * error) / CHART.highest,
  ];
  const lineTo = (from, to) => ({ x1: from[0], y1: from[1], x2: to[0], y2: to[1] });
  const at = ([x, y]) => ({ x, y });
  const partOf = (picture, rule) => find(picture).querySelector(`[data-rule=${rule.toLowerCase()}]`);

  function svg(name, attributes, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    move(element, attributes);
    element.textContent = text;
    return element;
  }

  function drawAxes() {
    const end = FRAMES * STEP;
    const across = [0, 0.5, 1].flatMap((error) => {
      const [x, y] = onChart(0, error);
      return [
        svg("line", lineTo([x, y], onChart(end, error))),
        svg("text", at([x - 17, y]), error),
      ];
    });
    const below = [0, end / 2, end].map((time) => svg("text", at(onChart(time, -0.15)), time));
    find("axes").replaceChildren(...across, ...below, svg("text", at(onChart(end / 4, -0.15)), "time"));
  }

  /** Draw the levels, with a name above one and below the other; two that nearly meet share one name. */
  function drawLevels({ stationary, optimum }) {
    const names = [["FA stops here", stationary, 0.09]];
    if (stationary - optimum > 0.02) names.push(["the best of rank 1", optimum, -0.09]);
    const end = FRAMES * STEP;
    const drawn = names.flatMap(([name, level, higher]) => [
      svg("line", lineTo(onChart(0, level), onChart(end, level))),
      svg("text", at(onChart(0.96 * end, level + higher)), name),
    ]);
    find("levels").replaceChildren(...drawn);
  }

  /** Draw what stays while time runs: C and its side, Y's direction, and the whole curves. */
  function drawSetting({ C, Y }, { runs, levels }) {
    const [x, y] = onCircle(C, 1);
    const mark = find("feedback-mark");
    const [far, near] = [-1, 1].map((sign) => Y[0].map((entry) => sign * Math.sign(dot(C, Y[0])) * entry));
    move(find("side"), { d: `M${y},${-x} A${RADIUS},${RADIUS} 0 0 1 ${-y},${x}z` });
    move(find("target"), lineTo(onCircle(near, 1.08), onCircle(far, 1.08)));
    move(find("target-name"), at(onCircle(far, 1.25))); // C's name may be at the other end
    move(mark.children[0], lineTo([0, 0], [x, y]));
    move(mark.children[1], { transform: `translate(${x} ${y}) rotate(45)` });
    move(find("feedback-name"), at(onCircle(C, 1.25)));
    for (const rule of RULES) {
      ways[rule] = makeWay(runs[rule], rule === "GD" ? 0.97 : 1.03);
      move(partOf("chart", rule).children[0], { points: ways[rule].curve.join(" ") });
    }
    drawLevels(levels);
  }

  /** Return the points of a run, frame by frame: W's direction, its trail at so many radii, and the error's curve. */
  function makeWay({ W, errors }, radii) {
    const units = W.map((row) => row.map((entry) => entry / Math.hypot(...row)));
    return {
      units,
      trail: units.map((unit) => onCircle(unit, radii)),
      curve: errors.map((error, frame) => onChart(frame * STEP, error)),
    };
  }

  /** Draw one rule's arrow and point at a frame, and the way there. Its name is on the side away from the other's. */
  function drawRule(rule, frame) {
    const { units, trail, curve } = ways[rule];
    const [x, y] = units[frame];
    const [otherX, otherY] = ways[rule === "GD" ? "FA" : "GD"].units[frame];
    const aside = 0.2 * Math.sign(x * otherY - y * otherX || (rule === "GD" ? 1 : -1));
    const [path, arrow, tip, name] = partOf("circle", rule).children;
    const [cx, cy] = onCircle([x, y], 1);
    move(path, { points: trail.slice(0, frame + 1).join(" ") });
    move(arrow, lineTo([0, 0], [cx, cy]));
    move(tip, { cx, cy });
    move(name, at(onCircle([0.6 * x + aside * y, 0.6 * y - aside * x], 1)));
    const [, past, head] = partOf("chart", rule).children;
    move(past, { points: curve.slice(0, frame + 1).join(" ") });
    move(head, { cx: curve[frame][0], cy: curve[frame][1] });
  }

  // --- words ---

  const short = (number) => number.toFixed(2).replace(/^-0.00$/, "0.00").replace("-", "−");
  const lastOf = (values) => values[values.length - 1];

  /** Return the sentence on a frame; it changes a few times in a run, so that it may be read aloud. */
  function sentence({ runs: { GD, FA }, levels }, frame) {
    if (frame === FRAMES) {
      const [gd, fa] = [GD, FA].map(({ errors }) => short(lastOf(errors)));
      const until = `At time ${FRAMES * STEP} FA’s error is ${fa}`;
      return `${until}; it ends at ${short(levels.stationary)} (Lemma 1). GD’s is ${gd}.`;
    }
    const falls = FA.errors[frame + 1] < FA.errors[frame];
    const side = FA.cosines[frame] < 0 ? "Under FA W points away from C" : "Under FA W is on C’s side (shaded)";
    return `${side}, and the error ${falls ? "falls" : "grows"}.`;
  }

  /** Describe both pictures to who cannot see them. */
  function describe({ C, Y }, { runs, levels }) {
    const angle = ([x, y]) => `${(Math.round((Math.atan2(y, x) * 180) / Math.PI) + 360) % 360} degrees`;
    const way = (values, said) => `from ${said(values[0])} to ${said(lastOf(values))}`;
    const each = (part, said) => RULES.map((rule) => `${way(runs[rule][part], said)} under ${rule}`);
    const turns = `W turns ${each("W", angle).join(" and ")}`;
    const falls = `The error goes ${each("errors", short).join(" and ")}`;
    const marks = `C points to ${angle(C)}, and Y’s direction is ${angle(Y[0])} or opposite`;
    const stops = `Lemma 1 says ${short(levels.stationary)}, and the best is ${short(levels.optimum)}`;
    find("circle").setAttribute("aria-label", `${turns}. ${marks}.`);
    find("chart").setAttribute("aria-label", `${falls}. ${stops}.`);
  }

  // --- the controls ---

  /** Show the frame that the slider is at. */
  function show() {
    const { answer } = window.story;
    const frame = Number(slider.value);
    const time = (frame * STEP).toFixed(1);
    for (const rule of RULES) {
      drawRule(rule, frame);
      find(`error-${rule.toLowerCase()}`).value = short(answer.runs[rule].errors[frame]);
      find(`cosine-${rule.toLowerCase()}`).value = short(answer.runs[rule].cosines[frame]);
    }
    find("time").value = time;
    slider.setAttribute("aria-valuetext", `time ${time}`);
    const said = sentence(answer, frame);
    if (find("status").textContent !== said) find("status").textContent = said;
  }

  /** Make the problem that the controls ask for, and its answer. */
  function update() {
    const rank = Number(document.querySelector("[name=story-rank]:checked").value);
    const problem = makeProblem(rank, Number(feedback.value));
    const runs = Object.fromEntries(RULES.map((rule) => [rule, makeRun(problem, rule)]));
    const answer = { step: STEP, runs, levels: makeLevels(problem) };
    window.story = Object.freeze({ problem, answer });
    find("angle").value = `${feedback.value}°`;
    drawSetting(problem, answer);
    describe(problem, answer);
    show();
  }

  let playing = null; // the frame, with fractions, while it plays
  let before = 0; // when the last frame was drawn, in milliseconds

  function nameButton() {
    play.textContent = still.matches ? "Next" : playing === null ? "Play" : "Pause";
  }

  function pause() {
    playing = null;
    nameButton();
  }

  function goTo(frame) {
    slider.value = frame;
    show();
  }

  /** Go on by the time that has passed, but never by more than a few frames, as after a pause of the page. */
  function tick(now) {
    if (playing === null) return;
    playing = Math.min(FRAMES, playing + Math.min(now - before, 4 * PACE) / PACE);
    before = now;
    goTo(Math.floor(playing));
    if (playing === FRAMES) pause();
    else requestAnimationFrame(tick);
  }

  function press() {
    const frame = Number(slider.value);
    const start = frame === FRAMES ? 0 : frame;
    if (still.matches) return goTo(frame === FRAMES ? 0 : Math.min(FRAMES, frame + LEAP));
    if (playing !== null) return pause();
    [playing, before] = [start, performance.now()];
    nameButton();
    requestAnimationFrame(tick);
  }

  play.addEventListener("click", press);
  still.addEventListener("change", pause);
  slider.addEventListener("input", () => {
    pause();
    show();
  });
  for (const control of [feedback, ...document.querySelectorAll("[name=story-rank]")]) {
    control.addEventListener("input", update);
  }
  drawAxes();
  nameButton();
  update();
  // Formulas here fit their lines, and need no focus to be scrolled.
  MathJax.startup.promise.then(() =>
    document.querySelectorAll("mjx-container").forEach((formula) => (formula.tabIndex = -1)),
  );
  // A link to a setting leads to the instrument, past this screen.
  if (location.hash.includes("=")) document.querySelector("#the-instrument")?.scrollIntoView();
})();
