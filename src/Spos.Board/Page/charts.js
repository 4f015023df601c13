// Charts as SVG and tables. Each has a table of its figures beside it, for those who do not see it.
const svgSpace = 'http://www.w3.org/2000/svg';
const width = 640, height = 300, left = 58, right = 12, top = 10, bottom = 40;

export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return fill(document.createElementNS(svgSpace, name), attributes, children);
}

// Text is always set as text: names of runs and files are other people's.
function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) if (value != null) made.setAttribute(name, value);
  made.append(...children.filter(child => child != null));
  return made;
}

export function short(value) {
  if (value == null || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e9) return `${+(value / 1e9).toPrecision(4)}G`;
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(4)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(4)}k`;
  return size !== 0 && size < 1e-3 ? value.toExponential(2) : `${+value.toPrecision(4)}`;
}

function ticksOf(low, high, most) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(by => by * power).find(one => one >= rough);
  const ticks = [];
  for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9; at++) ticks.push(at * step);
  return ticks;
}

function scaleOf(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) if (value != null) { low = Math.min(low, value); high = Math.max(high, value); }
  if (low > high) [low, high] = [0, 1];
  const margin = high > low ? (high - low) * 0.04 : Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}

// A frame with axes, and what turns values into places.
function frame(title, xLabel, yLabel, xs, ys, format) {
  const [x0, x1] = scaleOf(xs), [y0, y1] = scaleOf(ys);
  const x = value => left + (value - x0) / (x1 - x0) * (width - left - right);
  const y = value => height - bottom - (value - y0) / (y1 - y0) * (height - top - bottom);
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${title}: ${yLabel} over ${xLabel}. A table follows.` });
  for (const tick of ticksOf(y0, y1, 5)) {
    svg.append(shape('line', { class: 'axis', x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
    svg.append(shape('text', { x: left - 6, y: y(tick) + 4, 'text-anchor': 'end' }, format.y(tick)));
  }
  for (const tick of ticksOf(x0, x1, 6)) {
    svg.append(shape('text', { x: x(tick), y: height - bottom + 17, 'text-anchor': 'middle' }, format.x(tick)));
  }
  svg.append(shape('line', { class: 'axis', x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
  svg.append(shape('text', { x: (left + width - right) / 2, y: height - 4, 'text-anchor': 'middle' }, xLabel));
  return { svg, x, y };
}

function keys(names) {
  return element('ul', { class: 'keys', 'aria-hidden': 'true' }, ...names.map((name, i) =>
    element('li', {}, element('i', { class: `c${i % 4}` }), name)));
}

export function table(caption, heads, rows, textColumns = []) {
  const head = element('thead', {}, element('tr', {}, ...heads.map(one => element('th', { scope: 'col' }, one))));
  const body = element('tbody', {}, ...rows.map(row => element('tr', {}, ...row.map((cell, i) =>
    i === 0 ? element('th', { scope: 'row' }, `${cell}`) : element('td', { class: textColumns.includes(i) ? 'text' : null }, `${cell}`)))));
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    element('table', {}, element('caption', {}, caption), head, body));
}

function folded(content) {
  return element('details', {}, element('summary', {}, 'Table'), content);
}

function figure(title, ...content) {
  return element('figure', {}, element('figcaption', {}, title), ...content);
}

// So many rows that a table can be read; the first and the last are among them.
function sampled(list, most = 30) {
  return list.length <= most ? list : Array.from({ length: most }, (_, i) => list[Math.round(i * (list.length - 1) / (most - 1))]);
}

const plain = { x: short, y: short };

// Lines: [{ name, xs, ys }], where a y that is null is a gap.
export function lineChart(title, xLabel, lines, format = plain) {
  const { svg, x, y } = frame(title, xLabel, lines.map(one => one.name).join(', '), lines.flatMap(one => one.xs), lines.flatMap(one => one.ys), format);
  lines.forEach((line, i) => {
    let path = '', isDrawn = false;
    line.xs.forEach((at, point) => {
      if (line.ys[point] == null) { isDrawn = false; return; }
      path += `${isDrawn ? 'L' : 'M'}${x(at).toFixed(1)} ${y(line.ys[point]).toFixed(1)}`;
      isDrawn = true;
    });
    svg.append(shape('path', { class: `c${i % 4}`, d: path }));
    // A point alone is no line.
    if (line.xs.length <= 60) {
      line.xs.forEach((at, point) => {
        if (line.ys[point] != null) svg.append(shape('circle', { class: `front c${i % 4}`, cx: x(at).toFixed(1), cy: y(line.ys[point]).toFixed(1), r: 2.5 }));
      });
    }
  });
  const rows = lines.flatMap(line => sampled(line.xs.map((at, i) => [format.x(at), line.name, format.y(line.ys[i])])));
  return figure(title, lines.length > 1 ? keys(lines.map(one => one.name)) : null, svg, folded(table(title, [xLabel, 'what', 'value'], rows, [1])));
}

// Groups: [{ name, dots: [{ x, y, low, high, text }], joined }]; low and high are the ends of an interval.
export function scatterChart(title, xLabel, yLabel, groups, format = plain) {
  const dots = groups.flatMap(one => one.dots);
  const { svg, x, y } = frame(title, xLabel, yLabel, dots.map(one => one.x), dots.flatMap(one => [one.y, one.low, one.high]), format);
  groups.forEach((group, i) => {
    if (group.joined && group.dots.length > 1) {
      svg.append(shape('path', { class: `c${i % 4}`, d: group.dots.map((dot, at) => `${at ? 'L' : 'M'}${x(dot.x).toFixed(1)} ${y(dot.y).toFixed(1)}`).join('') }));
    }
    for (const dot of group.dots) {
      if (dot.low != null) svg.append(shape('line', { class: `c${i % 4}`, x1: x(dot.x), x2: x(dot.x), y1: y(dot.low), y2: y(dot.high) }));
      svg.append(shape('circle', { class: `${group.joined ? 'front ' : ''}c${i % 4}`, cx: x(dot.x).toFixed(1), cy: y(dot.y).toFixed(1), r: group.joined ? 4 : 3 },
        shape('title', {}, dot.text ?? `${format.x(dot.x)}, ${format.y(dot.y)}`)));
    }
  });
  const rows = groups.flatMap(group => sampled(group.dots).map(dot => [format.x(dot.x), group.name, format.y(dot.y)]));
  return figure(title, keys(groups.map(one => one.name)), svg, folded(table(title, [xLabel, 'what', yLabel], rows, [1])));
}

// Shares by operation, block and column: a table for each operation, whose cells are coloured.
export function heatMaps(title, columns, shares) {
  const maps = shares.map((blocks, operation) => element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Operation ${operation}` },
    element('table', { class: 'heat' }, element('caption', {}, `Operation ${operation}`),
      element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'block'), ...columns.map(one => element('th', { scope: 'col' }, one)))),
      element('tbody', {}, ...blocks.map((row, block) => element('tr', {}, element('th', { scope: 'row' }, `${block}`), ...row.map(share => {
        const percent = Math.round(share * 100);
        const cell = element('td', { title: `${percent}%`, 'aria-label': `${percent}%` });
        cell.style.background = `color-mix(in srgb, var(--accent) ${percent}%, var(--raised))`;
        return cell;
      })))))));
  const made = figure(title, element('p', { class: 'keys' }, 'Darker or brighter: more candidates of the generation have the operation in the block.'),
    element('div', { class: 'maps' }, ...maps));
  made.classList.add('wide');
  return made;
}
