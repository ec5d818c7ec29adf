/// <reference types="vite/client" />

/** The framing aid's face detector (vite.config.ts): its address. */
declare module 'virtual:aid-model' {
  const address: string;
  export default address;
}
