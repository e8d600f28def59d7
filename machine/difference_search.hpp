// Where two engines part, from the record of a run in which they did.
//
// Both machines begin anew and do what the record says, as often as needed. First whole runs of the processor: the last
// step behind which all was equal and the first behind which something was not, with memory looked at in ever shorter
// intervals. Then that step's run is cut short, by halves, to the fewest instructions behind which there is a
// difference. A run that is cut ends one instruction at a time where a block would not fit, so the number found is
// where the first wrong block ends.
#pragma once

#include "machine/lockstep.hpp"

namespace truering {

class DifferenceSearch {
  public:
    using Progress = std::function<void(const std::string&)>;

    DifferenceSearch(const StepRecord& record, const MakeShadow& make, const Progress& progress)
        : record_(record), make_(make), progress_(progress) {}

    // Behind the first `equal` steps there was no difference; behind the last one there was.
    [[nodiscard]] std::string explain(size_t equal);

  private:
    struct Pair {
        std::unique_ptr<Pc> interpreted, translated;
    };
    // Both, behind that many steps; or the one that is the reference.
    [[nodiscard]] Pair both_behind(size_t steps);
    [[nodiscard]] std::unique_ptr<Pc> reference_behind(size_t steps);
    void go_on(Pair& pair, const LoopStep& step) const;
    [[nodiscard]] static Differences differences(Pair& pair);

    // Brings the two closer together. False: this time there was no difference.
    [[nodiscard]] bool narrow_steps(size_t& equal, size_t& different);
    // The differences behind the first `instructions` of a Run.
    [[nodiscard]] Differences cut(size_t step, u64 instructions);
    [[nodiscard]] u64 shortest(size_t step);
    // What the reference does around the end of that many instructions.
    [[nodiscard]] std::string path(size_t step, u64 instructions);

    const StepRecord& record_;
    const MakeShadow& make_;
    const Progress& progress_;
};

} // namespace truering
