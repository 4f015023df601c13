// The page of spos board: a list of runs, and the run that is chosen, kept up to date by the server's events.
import { element, readOut, setWidth, short } from './charts.js';
import { redraw, redrawContent } from './redraw.js';
import { duration, moment, percent, whole } from './formats.js';
import { chartsOf } from './run.js';

const byId = id => document.getElementById(id);
let token = '', chosen = null, mayChange = false, stream = null, known = [], shown = null, isOpening = true;

function readAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  token = parts.get('token') ?? sessionStorage.getItem('token') ?? '';
  if (token) sessionStorage.setItem('token', token);
  chosen = parts.get('run');
}

function addressOf(run) {
  const parts = new URLSearchParams({ run });
  if (token) parts.set('token', token);
  return `#${parts}`;
}

function ask(path, options = {}) {
  return fetch(path, { ...options, headers: token ? { Authorization: `Bearer ${token}` } : {} });
}

const query = path => `?path=${encodeURIComponent(path)}`;
const nameOf = run => run.path || '(this folder)';
const stateOf = run => ({ Running: 'Running', Finished: 'Finished', Stopped: 'Stopped without a result: on request, killed or failed' })[run.state];
const shareOf = run => run.state === 'Finished' ? 1 : run.total ? Math.min(run.done / run.total, 1) : null;

function linkOf(run, name) {
  const share = shareOf(run);
  return element('li', { 'data-key': run.path, class: run.isPart ? 'part' : null },
    element('a', { href: addressOf(run.path), 'data-run': run.path, 'aria-current': run.path === chosen ? 'true' : null },
      element('span', { class: 'name' }, name),
      element('small', {}, element('span', { class: run.state }, run.state.toLowerCase()),
        share != null && share < 1 ? ` ${Math.floor(share * 100)}%` : null, run.isPart ? null : ` · ${run.command}`,
        run.figure ? ` · ${run.figure}` : null)));
}

// Parts of a run, such as the trainings of a ranking, are folded below it.
function listOf(runs) {
  const above = path => path.slice(0, Math.max(path.lastIndexOf('/'), 0));
  const paths = new Set(runs.map(run => run.path));
  const isBelow = run => run.isPart && paths.has(above(run.path));
  return runs.filter(run => !isBelow(run)).map(run => {
    const item = linkOf(run, nameOf(run)), parts = runs.filter(one => isBelow(one) && above(one.path) === run.path);
    if (parts.length === 0) return item;
    const isShown = parts.some(one => one.path === chosen) && isOpening;
    item.append(element('details', { open: isShown ? '' : null }, element('summary', {}, `${parts.length} trainings`),
      element('ul', {}, ...parts.map(one => linkOf(one, one.path.slice(one.path.lastIndexOf('/') + 1))))));
    return item;
  });
}

function showRuns(runs) {
  known = runs;
  if (chosen == null && runs.length > 0) {
    chosen = (runs.find(run => run.state === 'Running' && !run.isPart) ?? runs.find(run => run.state === 'Running') ?? runs[0]).path;
    choose();
    return;
  }
  redrawContent(byId('runs'), listOf(runs));
  isOpening &&= runs.length === 0;
  const run = runs.find(one => one.path === chosen);
  setText(byId('nothing'), runs.length === 0 ? 'There is no run in this folder yet. It will appear here.' : 'There is no such run.');
  byId('nothing').hidden = run != null;
  byId('run').hidden = run == null;
  if (run) showHeader(run);
}

function setText(node, text) {
  // Screen readers tell what changes; what stays is left alone.
  if (node.textContent !== text) node.textContent = text;
}

function showHeader(run) {
  setText(byId('title'), nameOf(run));
  setText(byId('state'), `${stateOf(run)} · ${run.title}`);
  byId('state').className = run.state;
  document.title = `${nameOf(run)} – Spos board`;
  const share = shareOf(run), isRunning = run.state === 'Running';
  if (share == null) byId('progress').removeAttribute('value'); else byId('progress').value = share;
  byId('progress').hidden = share == null && !isRunning;
  const facts = [
    [run.unit, run.total ? `${whole(run.done)} of ${whole(run.total)}` : whole(run.done)],
    run.epoch ? ['epoch', run.epochs ? `${run.epoch} of ${run.epochs}` : `${run.epoch}`] : null,
    isRunning ? ['rate', run.perSecond == null ? 'not seen yet' : `${short(run.perSecond)} ${run.unit}/s`] : null,
    isRunning ? ['remaining', duration(run.secondsLeft)] : null,
    run.figure ? ['newest', run.figure] : null,
    run.device ? ['device', run.threads ? `${run.device}, ${run.threads} thread${run.threads > 1 ? 's' : ''}` : run.device] : null,
    run.started ? ['started', moment(run.started)] : null,
    ['last written', moment(run.written)],
  ].filter(one => one);
  redrawContent(byId('facts'), facts.map(([name, value]) =>
    element('div', { 'data-key': name }, element('dt', {}, name), element('dd', {}, value))));
  const hadFocus = document.activeElement === byId('stop') || document.activeElement === byId('again');
  byId('stop').hidden = !isRunning;
  byId('again').hidden = !run.canResume;
  byId('stop').disabled = byId('again').disabled = !mayChange;
  // A button that is gone takes the focus with it; whoever pressed it goes on at the other one, or at the run.
  if (hadFocus && document.activeElement === document.body) (run.canResume ? byId('again') : isRunning ? byId('stop') : byId('details')).focus();
  if ((isRunning || run.canResume) && !mayChange) {
    setText(byId('answer'), 'To stop runs, or to go on with them, open the address that spos board has printed: it has the token.');
  }
  byId('warnings').hidden = run.warnings.length === 0;
  redrawContent(byId('warnings').querySelector('ul'), run.warnings.map(text => element('li', {}, text)));
}

let isLoading = false, isStale = false, waiting = [];
async function load() {
  // One request at a time; what changes meanwhile is asked for after it.
  if (isLoading) { isStale = true; return; }
  isLoading = true;
  waiting = [];
  const path = chosen;
  try {
    const answer = await ask(`api/run${query(path)}`);
    if (path === chosen) {
      // What is added from now on does not follow what was shown before.
      shown = null;
      if (answer.ok) showRun(await answer.json());
    }
  } catch {
    // The events' connection says so. What was missed is asked for again.
    shown = null;
    setTimeout(() => { if (path === chosen && !shown) load(); }, 2000);
  } finally {
    isLoading = false;
    if (path !== chosen) { isStale = false; load(); }
    else if (isStale) { isStale = false; setTimeout(load, 500); }
    else if (waiting.length > 0) waiting.splice(0).forEach(add);
  }
}

// Twice as many points of a line as the server sends: then it is asked to thin them out.
const mostPoints = 2400;

// What was added to the curves. Some of it may have been in the server's whole answer already.
function add(lines) {
  if (isLoading) { waiting.push(lines); return; }
  if (!shown || shown.header.path !== chosen) { load(); return; }
  for (const { name, from, points } of lines) {
    const line = shown.series.find(one => one.name === name);
    if (!line || from > line.count || line.points.steps.length > mostPoints) { load(); return; }
    const had = line.count - from;
    line.points.steps.push(...points.steps.slice(had));
    line.points.values.push(...points.values.slice(had));
    line.count = Math.max(line.count, from + points.steps.length);
  }
  drawCharts();
}

function showRun(run) {
  shown = run;
  showHeader(run.header);
  byId('resume').hidden = run.resume == null || run.header.state !== 'Stopped';
  if (run.resume != null) setText(byId('resume').querySelector('pre'), run.resume);
  drawCharts();
}

function drawCharts() {
  if (!shown || shown.header.path !== chosen) return;
  const charts = byId('charts'), style = getComputedStyle(charts), columns = style.gridTemplateColumns.split(' ');
  // Within a frame's padding and border.
  const frame = document.createElement('figure');
  charts.append(frame);
  const inside = getComputedStyle(frame), least = parseFloat(inside.paddingLeft) + parseFloat(inside.paddingRight) + 2;
  frame.remove();
  setWidth(parseFloat(columns[0]) - least);
  const wanted = document.createElement('div');
  wanted.id = 'charts';
  wanted.append(...chartsOf(shown));
  redraw(charts, wanted);
}

// Events by fetch: unlike EventSource it can send the token in a header, where no log or history keeps it.
async function follow() {
  stream?.abort();
  const own = stream = new AbortController();
  const tell = (text, isLive = false) => {
    setText(byId('connection'), text);
    byId('connection').className = isLive ? 'live' : '';
  };
  while (own === stream) {
    try {
      const answer = await ask(`api/events${chosen == null ? '' : query(chosen)}`, { signal: own.signal });
      if (!answer.ok) {
        tell((await answer.json().catch(() => null))?.error ?? 'The board is busy.');
        if (answer.status === 401) return;
        throw new Error();
      }
      tell('live', true);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const parts = (text + value).split('\n\n');
        text = parts.pop();
        for (const part of parts) take(Object.fromEntries(part.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])));
      }
    } catch {
      if (own.signal.aborted) return;
    }
    tell('The board does not answer. Trying again …');
    await new Promise(done => setTimeout(done, 2000));
  }
}

function take(event) {
  if (event.event === 'runs') showRuns(JSON.parse(event.data));
  else if (event.event === 'changed') {
    const changed = new Map(JSON.parse(event.data).map(run => [run.path, run]));
    showRuns(known.map(run => changed.get(run.path) ?? run));
  } else if (event.event === 'points') add(JSON.parse(event.data));
  else if (event.event === 'run') load();
}

function choose() {
  shown = null;
  isOpening = true;
  byId('charts').replaceChildren();
  byId('resume').hidden = true;
  setText(byId('answer'), '');
  showRuns(known);
  if (!document.hidden) follow();
}

async function change(what, asking, said) {
  const run = chosen;
  setText(byId('answer'), asking);
  const answer = await ask(`api/${what}${query(run)}`, { method: 'POST' }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  if (run === chosen) setText(byId('answer'), answer?.ok ? said : told?.error ?? 'The board does not answer.');
}

byId('stop').addEventListener('click', () => change('stop', 'Asking …', 'The run was asked to stop. It saves what was done, and ends.'));
byId('again').addEventListener('click', () => change('resume', 'Starting …', 'The run goes on.'));

byId('copy').addEventListener('click', async () => {
  const command = byId('resume').querySelector('pre');
  try {
    await navigator.clipboard.writeText(command.textContent);
    setText(byId('copy'), 'Copied');
    setTimeout(() => setText(byId('copy'), 'Copy the command'), 2000);
  } catch {
    // Browsers refuse where a page is not of this machine or encrypted: then it can be copied by hand.
    getSelection().selectAllChildren(command);
  }
});

// The address says which run is shown.
document.querySelector('.skip').addEventListener('click', event => {
  event.preventDefault();
  byId('details').focus();
});
addEventListener('hashchange', () => {
  readAddress();
  choose();
  byId('details').focus();
});

new ResizeObserver(() => requestAnimationFrame(drawCharts)).observe(byId('details'));
readOut(byId('charts'));
readAddress();
const overview = await ask('api/runs').then(answer => answer.ok ? answer.json() : null).catch(() => null);
mayChange = token !== '' && await ask('api/token', { method: 'POST' }).then(answer => answer.ok).catch(() => false);
setText(byId('folder'), overview?.root ?? '');
byId('cut').hidden = !overview?.cut;

// A page that nobody sees is told nothing, and asks now and then, so that the board sees which runs are alive.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) follow();
  else { stream?.abort(); stream = null; }
});
setInterval(() => { if (document.hidden) ask('api/runs').catch(() => null); }, 30000);
if (!document.hidden) follow();
