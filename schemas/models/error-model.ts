import { z } from "zod";

const numbers = z.array(z.number()).readonly();

/** How far off answers usually are, by answer: `numerics/performance/error-model.ts`. */
export const errorModelSchema = z
  .strictObject({ knots: numbers, absolute: numbers, squared: numbers, fourth: numbers })
  .refine(
    ({ knots, absolute, squared, fourth }) =>
      knots.length > 0 && [absolute, squared, fourth].every(({ length }) => length === knots.length),
    "expected as many moments as knots",
  );
