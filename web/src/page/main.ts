import { Sargan } from "../lib";
Object.assign(globalThis, { Sargan });
