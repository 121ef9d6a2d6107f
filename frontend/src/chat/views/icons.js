import { svg, html } from "lit";

const icon = (paths) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${paths}</svg>`;

export const personIcon = icon(svg`<path d="M4 13v-1a8 8 0 0 1 16 0v1M4 13h2.5v5H5a1 1 0 0 1-1-1zM20 13h-2.5v5H19a1 1 0 0 0 1-1zM19 18c0 2-2.5 3-5 3" />`);
export const botIcon = icon(svg`<path d="M5 9h14v10H5zM12 9V5M9 13.5v1.5M15 13.5v1.5" /><circle cx="12" cy="4" r="1" />`);
export const sendIcon = icon(svg`<path d="M4 12 20 4l-5 16-3.5-6.5z" />`);
export const tickIcon = icon(svg`<path d="m5 12.5 4.5 4.5L19 7.5" />`);
export const closeIcon = icon(svg`<path d="m6 6 12 12M18 6 6 18" />`);
export const downIcon = icon(svg`<path d="m6 9 6 6 6-6" />`);
export const parcelIcon = icon(svg`<path d="M4 8v9l8 4 8-4V8l-8-4zM4 8l8 4 8-4M12 12v9" />`);
export const backIcon = icon(svg`<path d="m15 5-7 7 7 7" />`);
