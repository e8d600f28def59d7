#include "tools/truering/standard_streams.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <unistd.h>

namespace truering {

namespace {

void wait_for_room(int descriptor) {
    constexpr int patience = 1000; // milliseconds
    pollfd full{descriptor, POLLOUT, 0};
    static_cast<void>(::poll(&full, 1, patience));
}

// 0, or what went wrong.
int write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(descriptor, text.data(), text.size());
        if (count > 0)
            text.remove_prefix(static_cast<size_t>(count));
        else if (count < 0 && errno == EAGAIN)
            wait_for_room(descriptor); // somebody who shares it has made it so
        else if (count < 0 && errno != EINTR)
            return errno;
    }
    return 0;
}

} // namespace

OutputError::OutputError(int error)
    : std::runtime_error(std::string("standard output: ") + std::strerror(error)), reader_has_gone_(error == EPIPE) {}

void prepare_standard_streams() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
        // The lowest free number is this one: all below it are open by now.
        [[maybe_unused]] const int opened = ::open("/dev/null", O_RDWR);
    }
    std::signal(SIGPIPE, SIG_IGN);
}

void tell(std::string_view text) { static_cast<void>(write_all(STDERR_FILENO, text)); }

void print(std::string_view text) {
    if (const int error = write_all(STDOUT_FILENO, text); error != 0) throw OutputError(error);
}

} // namespace truering
