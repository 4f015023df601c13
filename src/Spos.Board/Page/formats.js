// Values as people read them.
export const percent = value => value == null || !Number.isFinite(value) ? '–' : `${+(value * 100).toFixed(1)}%`;

export const whole = value => value.toLocaleString('en');

export function moment(text) {
  const at = new Date(text), isOfThisYear = at.getFullYear() === new Date().getFullYear();
  return at.toLocaleString('en', { month: 'short', day: 'numeric', year: isOfThisYear ? undefined : 'numeric', hour: '2-digit', minute: '2-digit', hour12: false });
}

export function duration(seconds) {
  if (seconds == null) return '–';
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}
