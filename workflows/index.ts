/** Every workflow of the product: the entry of the bundle. */
export { alarmReplayWorkflow, alarmWorkflow, channelTestWorkflow } from "./alarm/workflow.ts";
export { approvalWorkflow } from "./approval/workflow.ts";
export { compareDataWorkflow } from "./compare-data/workflow.ts";
export { driftWorkflow } from "./drift/workflow.ts";
export { featuresRefreshWorkflow } from "./features-refresh/workflow.ts";
export { housekeepingWorkflow } from "./housekeeping/workflow.ts";
export { pipelineWorkflow } from "./pipeline/workflow.ts";
export { promotionWorkflow } from "./promotion/workflow.ts";
export { readingsUpkeepWorkflow } from "./readings-upkeep/workflow.ts";
export { readingsUploadWorkflow } from "./readings-upload/workflow.ts";
export { recommendationWorkflow } from "./recommendation/workflow.ts";
export { replayLifeWorkflow } from "./replay-life/workflow.ts";
export { reproduceWorkflow } from "./reproduce/workflow.ts";
export { retrainRequestWorkflow } from "./retrain/request.ts";
export { retrainWorkflow } from "./retrain/workflow.ts";
export { rolloutWorkflow } from "./rollout/workflow.ts";
export { scoreWorkflow } from "./score/workflow.ts";
export { searchWorkflow } from "./search/workflow.ts";
