/** The settings of binning, alike in boosting and in the forest; how many bins there are, each says itself. */
export const BIN_PARAMETERS = {
  maxBin: {
    min: 2,
    isInteger: true,
    unit: "bins",
    doc: "Most value bins of a feature, the bin of missing values not counted; with a bin for every distinct value splits are exact.",
  },
  minDataInBin: {
    min: 1,
    max: 1e9,
    isInteger: true,
    unit: "rows",
    doc: "Fewest rows of a bin that several values share.",
  },
  binConstructSampleCnt: {
    default: 200_000,
    min: 100,
    max: 1e9,
    isInteger: true,
    unit: "rows",
    doc: "Bin borders are found on at most this many rows.",
  },
} as const;
