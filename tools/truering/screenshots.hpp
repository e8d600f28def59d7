// Pictures of the screen that were asked for, each at its moment.
#pragma once

#include "machine/pc.hpp"
#include "machine/text_watch.hpp"
#include "tools/truering/settings.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace truering {

class Screenshots {
  public:
    Screenshots(Pc& pc, TextWatch& watch, const std::vector<ScreenshotRequest>& requests);
    Screenshots(const Screenshots&) = delete;
    Screenshots& operator=(const Screenshots&) = delete;
    ~Screenshots();

    // Those whose moment is the exit, or never came. Throws PngError.
    void take_last();

  private:
    struct Shot {
        Shot(Screenshots& all, ScreenshotRequest wanted) : owner(all), request(std::move(wanted)) {}
        void alarm_fired();
        Screenshots& owner;
        ScreenshotRequest request;
        Alarm alarm = Alarm::calling<&Shot::alarm_fired>(*this);
        bool taken = false;
    };

    void plan(Shot& shot);
    void take(Shot& shot);

    Pc& pc_;
    TextWatch& watch_;
    std::vector<std::unique_ptr<Shot>> shots_;
};

} // namespace truering
