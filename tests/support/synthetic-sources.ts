/** `sources` of a pipeline file for what `generateFleet` makes; attributes can follow. */
export const SYNTHETIC_SOURCES = `sources:
  readings:
    files: readings.csv
    asset: asset
    time: { column: time, kind: timestamp }
    columns:
      - { name: voltage, unit: kV }
      - { name: current, unit: A }
      - { name: temperature, unit: °C }
      - { name: active_power, unit: MW }
      - { name: reactive_power, unit: Mvar }
      - { name: ambient, unit: °C }
      - { name: mode, type: text, use: ignore }
  events:
    role: events
    files: events.csv
    asset: asset
    time: { column: time, kind: timestamp }
    columns:
      - { name: type, type: text }
      - { name: code, type: text }`;
