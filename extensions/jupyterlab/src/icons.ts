/** The mark: a flask whose liquid is a notebook cell. */
import { LabIcon } from '@jupyterlab/ui-components';

export const flaskIcon = new LabIcon({
  name: 'machinelabs:flask',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
    <path class="jp-icon3" fill="#616161" d="M11 2h10v2.6h-1.2v6.3l7.4 13a4.1 4.1 0 0 1-3.6 6.1h-15.200a4.100 4.100 0 0 1-3.600-6.100l7.400-13V4.600H11zm3.800 2.600v7l-7.700 13.600a1.500 1.500 0 0 0 1.300 2.200h15.200a1.500 1.500 0 0 0 1.300-2.200L17.200 11.600v-7z"/>
    <rect class="jp-icon-warn0" fill="#d9622b" x="9" y="19" width="14" height="7" rx="1.600"/>
  </svg>`
});
