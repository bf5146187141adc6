/** Draws one line of numbers over time. */
import React from 'react';

const WIDTH = 300;
const HEIGHT = 56;
/** Points further apart than this are not joined: nothing was known between them. */
const GAP_MS = 15_000;

export interface IPoint {
  at: number;
  value: number | null;
}

export function Plot(props: {
  label: string;
  points: IPoint[];
  begin: number;
  end: number;
  top: number;
}): React.ReactElement {
  const { label, points, begin, end, top } = props;
  const place = (point: IPoint): string => {
    const x = ((point.at - begin) / (end - begin)) * WIDTH;
    const y = HEIGHT * (1 - Math.min((point.value ?? 0) / (top || 1), 1));
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  return (
    <svg
      className="jp-MachineLabs-plot"
      role="img"
      aria-label={label}
      viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
      preserveAspectRatio="none"
    >
      {[0, HEIGHT / 2, HEIGHT].map(y => (
        <line key={y} x1={0} x2={WIDTH} y1={y} y2={y} />
      ))}
      {pieces(points, begin).map(piece => (
        <polyline key={piece[0].at} points={piece.map(place).join(' ')} />
      ))}
    </svg>
  );
}

function pieces(points: IPoint[], begin: number): IPoint[][] {
  const found: IPoint[][] = [];
  let last: IPoint | null = null;
  for (const point of points) {
    if (point.value === null || point.at < begin) {
      last = null;
      continue;
    }
    if (last && point.at - last.at <= GAP_MS) {
      found[found.length - 1].push(point);
    } else {
      found.push([point]);
    }
    last = point;
  }
  return found;
}
