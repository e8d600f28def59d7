#include "tools/truering/screenshots.hpp"

#include "tools/truering/png.hpp"
#include "tools/truering/standard_streams.hpp"

#include <fmt/format.h>

namespace truering {

namespace {
constexpr Nanoseconds look_interval = 1'000'000;
} // namespace

Screenshots::Screenshots(Pc& pc, TextWatch& watch, const std::vector<ScreenshotRequest>& requests)
    : pc_(pc), watch_(watch) {
    for (const ScreenshotRequest& request : requests) shots_.push_back(std::make_unique<Shot>(*this, request));
    for (const auto& shot : shots_) plan(*shot);
}

Screenshots::~Screenshots() {
    for (const auto& shot : shots_) pc_.clock.disarm(shot->alarm);
}

void Screenshots::plan(Shot& shot) {
    const When& when = shot.request.when;
    switch (when.kind) {
    case When::Kind::Time: pc_.clock.arm(shot.alarm, when.time); break;
    case When::Kind::Instructions: pc_.clock.arm(shot.alarm, pc_.clock.now() + look_interval); break;
    case When::Kind::Text: watch_.expect(when.text, [this, &shot](const std::string&) { take(shot); }); break;
    case When::Kind::Exit: break;
    }
}

void Screenshots::Shot::alarm_fired() {
    const bool early =
        request.when.kind == When::Kind::Instructions && owner.pc_.cpu.retired() < request.when.instructions;
    if (early)
        owner.plan(*this);
    else
        owner.take(*this);
}

void Screenshots::take(Shot& shot) {
    shot.taken = true;
    Frame frame;
    pc_.vga.render(frame);
    write_png(shot.request.file, frame);
}

void Screenshots::take_last() {
    for (const auto& shot : shots_) {
        if (shot->taken) continue;
        if (shot->request.when.kind != When::Kind::Exit)
            tell(fmt::format("truering: {}: its moment did not come; taken at the end\n", shot->request.file));
        take(*shot);
    }
}

} // namespace truering
