import { z } from 'zod';

/** The age dial: about years, younger below 0; it turns looks that treat the performer's own face. */
export const AGE_LIMIT = 30;
export const ageYears = z.number().int().min(-AGE_LIMIT).max(AGE_LIMIT);
