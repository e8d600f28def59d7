#include "cpu/double_fault.hpp"

namespace truering {

namespace {

enum class FaultClass : u8 { Benign, Contributory, PageFault, DoubleFault };

FaultClass class_of(const Event& event) {
    if (event.type != EventType::Exception) return FaultClass::Benign;
    switch (static_cast<Vector>(event.vector)) {
    case Vector::DE:
    case Vector::TS:
    case Vector::NP:
    case Vector::SS:
    case Vector::GP: return FaultClass::Contributory;
    case Vector::PF: return FaultClass::PageFault;
    case Vector::DF: return FaultClass::DoubleFault;
    default: return FaultClass::Benign;
    }
}

} // namespace

Combination combination(const Event& first, const Event& second) {
    const FaultClass a = class_of(first), b = class_of(second);
    if (a == FaultClass::DoubleFault) return Combination::Shutdown;
    const bool severe = b == FaultClass::Contributory || (a == FaultClass::PageFault && b == FaultClass::PageFault);
    if (severe && a != FaultClass::Benign) return Combination::DoubleFault;
    return Combination::Serial;
}

bool is_benign(const Event& event) { return class_of(event) == FaultClass::Benign; }

Event double_fault() { return {.vector = static_cast<u8>(Vector::DF), .has_error_code = true, .error_code = 0}; }

} // namespace truering
