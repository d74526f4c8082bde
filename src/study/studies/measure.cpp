#include <fmt/format.h>

#include "koushi/base/text.hpp"
#include "koushi/study/parameters_file.hpp"
#include "koushi/study/study.hpp"
#include "koushi/study/variational_results.hpp"

namespace koushi {

namespace {

/// The measurement of a ground state alone, on the parameters of a finished run: other observables, more samples.
int run_measure(const Communicator& comm, const Deck& deck, const RunOptions& options) {
  StudyRun run(comm, deck, options);
  VariationalModel model(comm, deck, run.phases());
  Measurement measurement(run, model, later_measurement);
  const auto write_all = [&](ResultWriter& writer) {
    writer.write("summary/n_sites", std::vector<std::int64_t>{model.lattice().n_sites()});
    writer.write("summary/steps", std::vector<std::int64_t>{0});
    write_known_energy(writer, deck);
    model.write(writer);
    measurement.write(writer);
  };
  const auto stop_now = [&](bool now) { return run.checkpoint_if_due(now, write_all); };

  const StudyRun::Begin begin = run.begin([&](const ResultReader& reader) {
    model.read(reader);
    measurement.read(reader);
    if (comm.is_root())
      print_out(fmt::format("resumed {} at step 0 and {} measurements\n", run.file(), measurement.measured()));
  });
  if (begin == StudyRun::Begin::done) return 0;
  if (begin == StudyRun::Begin::fresh) {
    load_parameters(model, "study.parameters", false);
    model.start();
  }

  Progress progress(comm.is_root(), 0, 0);
  run.start();
  if (!measurement.run(stop_now))
    return run.stopped(progress, fmt::format("{} warm-up sweeps and {} measurements", measurement.warmed_up(),
                                             measurement.measured()));
  measurement.issue_warnings(progress);
  run.checkpoint("done", write_all);
  if (comm.is_root())
    print_out(fmt::format("{}\n{}", variational_result_text(run, model, measurement, {}, 0), run.phases().text()));
  return 0;
}

RunEstimate describe_measure(const Communicator& comm, const Deck& deck, int ranks) {
  StudyRun run(comm, deck, {});
  VariationalModel model(comm, deck, run.phases(), ranks);
  const Measurement measurement(run, model, later_measurement);
  RunEstimate estimate;
  estimate.text = model.describe(ranks, 0);
  note_model(run, model, ranks, "study.parameters", false, estimate);
  return estimate;
}

std::vector<Key> keys() {
  std::vector<Key> all{declare::key("parameters", KeyType::text, "", "result file whose parameters to measure with")};
  for (const Key& own : measurement_keys(true)) all.push_back(own);
  return all;
}

}  // namespace

StudyKind measure_kind() {
  return {.name = "measure",
          .help = "the measurement phase alone, on the parameters of a finished run",
          .keys = keys(),
          .run = run_measure,
          .describe = describe_measure,
          .input_keys = {"study.parameters"},
          .subject = StudyKind::Subject::states};
}

}  // namespace koushi
