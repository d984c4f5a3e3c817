import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Help } from "commander";
import type { Option } from "commander";
import { z } from "zod";
import { packageRoot } from "../config/package-root.ts";
import { registerHelpCommand } from "./commands/help.ts";
import { registerApprovalsCommand } from "./commands/model/approvals.ts";
import { registerAlertsCommand } from "./commands/live/alerts.ts";
import { registerAssetsCommand } from "./commands/record/assets.ts";
import { registerAuditCommand } from "./commands/record/audit.ts";
import { registerCatalogCommand } from "./commands/record/catalog.ts";
import { registerDocumentsCommand } from "./commands/record/documents.ts";
import { registerDataCommand } from "./commands/record/data.ts";
import { registerDemoCommand } from "./commands/pipeline/demo.ts";
import { registerDoctorCommand } from "./commands/platform/doctor.ts";
import { registerDownCommand } from "./commands/platform/down.ts";
import { registerDriftCommand } from "./commands/model/drift.ts";
import { registerGateCommand } from "./commands/model/gate.ts";
import { registerInitCommand } from "./commands/pipeline/init.ts";
import { registerKeysCommand } from "./commands/record/keys.ts";
import { registerDeadLettersCommand } from "./commands/live/dead-letters.ts";
import { registerFeaturesCommand } from "./commands/live/features.ts";
import { registerReadingsCommand } from "./commands/live/readings.ts";
import { registerFeedsCommand } from "./commands/live/feeds.ts";
import { registerUploadsCommand } from "./commands/live/uploads.ts";
import { registerSourcesCommand } from "./commands/live/sources.ts";
import { registerLabelsCommand } from "./commands/model/labels.ts";
import { registerLineageCommand } from "./commands/record/lineage.ts";
import { registerLogsCommand } from "./commands/platform/logs.ts";
import { registerModelsCommand } from "./commands/model/models.ts";
import { registerPerformanceCommand } from "./commands/model/performance.ts";
import { registerPredictionsCommand } from "./commands/model/predictions.ts";
import { registerReplayLifeCommand } from "./commands/pipeline/replay-life.ts";
import { registerRecommendationsCommand } from "./commands/maintenance/recommendations.ts";
import { registerMaintenanceCommand } from "./commands/maintenance/savings.ts";
import { registerWorkOrdersCommand } from "./commands/maintenance/work-orders.ts";
import { registerReproduceCommand } from "./commands/model/reproduce.ts";
import { registerRetrainCommand } from "./commands/model/retrain.ts";
import { registerSchedulesCommand } from "./commands/record/schedules.ts";
import { registerResetCommand } from "./commands/platform/reset.ts";
import { registerRollbackCommand } from "./commands/model/rollback.ts";
import { registerRolloutCommand } from "./commands/model/rollout.ts";
import { registerRunCommand } from "./commands/pipeline/run.ts";
import { registerRunsCommand } from "./commands/pipeline/runs.ts";
import { registerScoreCommand } from "./commands/model/score.ts";
import { registerSimulateCommand } from "./commands/pipeline/simulate.ts";
import { registerStatusCommand } from "./commands/platform/status.ts";
import { registerUpCommand } from "./commands/platform/up.ts";
import { registerValidateCommand } from "./commands/pipeline/validate.ts";
import { attachContext } from "./context.ts";
import type { ContextOptions } from "./context.ts";

/** Every command by heading, in the order of the help page. A new one is a file and a line here. */
const COMMANDS: Readonly<Record<string, readonly ((program: Command) => void)[]>> = {
  "The platform on this machine:": [
    registerUpCommand,
    registerDownCommand,
    registerStatusCommand,
    registerLogsCommand,
    registerDoctorCommand,
    registerResetCommand,
  ],
  "From files to a model:": [
    registerInitCommand,
    registerValidateCommand,
    registerSimulateCommand,
    registerDemoCommand,
    registerRunCommand,
    registerRunsCommand,
    registerReplayLifeCommand,
  ],
  "Models in use:": [
    registerApprovalsCommand,
    registerModelsCommand,
    registerRolloutCommand,
    registerGateCommand,
    registerRollbackCommand,
    registerReproduceCommand,
    registerScoreCommand,
    registerPredictionsCommand,
    registerDriftCommand,
    registerLabelsCommand,
    registerPerformanceCommand,
    registerRetrainCommand,
    registerAlertsCommand,
    registerRecommendationsCommand,
    registerWorkOrdersCommand,
    registerMaintenanceCommand,
  ],
  "Live readings:": [
    registerSourcesCommand,
    registerReadingsCommand,
    registerFeaturesCommand,
    registerFeedsCommand,
    registerUploadsCommand,
    registerDeadLettersCommand,
  ],
  "Records and access:": [
    registerAssetsCommand,
    registerLineageCommand,
    registerCatalogCommand,
    registerDocumentsCommand,
    registerDataCommand,
    registerKeysCommand,
    registerSchedulesCommand,
    registerAuditCommand,
  ],
  "Help:": [registerHelpCommand],
};

const EPILOGUE = `
First time here: \`aura doctor\` says what is missing on this machine, \`aura demo\` shows the whole way,
\`aura init <your files>\` begins with your own data. \`aura <command> --help\` has options and an example.

Ends with 0 when all went well, 2 when what was given is wrong, 1 when something broke; \`aura run\` has more.`;

/** The `aura` command with all its commands; a wrong command line throws commander's error. */
export function createProgram(context: ContextOptions): Command {
  const { output } = context;
  const program = new Command("aura")
    .description("From raw sensor files to an approved, served and watched model of when machines fail")
    .version(readVersion())
    .exitOverride()
    .showHelpAfterError("(add --help for the options)")
    .configureHelp({ optionDescription: describeOption })
    .addHelpText("after", EPILOGUE)
    .configureOutput({
      writeOut: (text) => output.line(text.trimEnd()),
      writeErr: (text) => output.note(text.trimEnd()),
    });
  attachContext(program, context);
  for (const [heading, commands] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const register of commands) register(program);
  }
  return program;
}

/** As commander does, and says which options must be given. */
function describeOption(option: Option): string {
  const text = new Help().optionDescription(option);
  return option.mandatory ? `${text} (required)` : text;
}

function readVersion(): string {
  const text = readFileSync(join(packageRoot(), "package.json"), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
