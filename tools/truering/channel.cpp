#include "tools/truering/channel.hpp"

#include "tools/truering/standard_streams.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

namespace truering {

namespace {

class Descriptor {
  public:
    explicit Descriptor(int number = -1) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { reset(-1); }
    void reset(int number) {
        if (number_ > 2) ::close(number_);
        number_ = number;
    }
    [[nodiscard]] int get() const { return number_; }

  private:
    int number_;
};

bool readable(int descriptor) {
    pollfd waiting{descriptor, POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1 && (waiting.revents & (POLLIN | POLLHUP)) != 0;
}

// A pair of descriptors, perhaps the same one.
class StreamChannel : public Channel {
  public:
    StreamChannel(int in, int out) : in_(in), out_(out) {}

    [[nodiscard]] int descriptor() const override { return in_; }

    std::vector<u8> receive(size_t most) override {
        std::vector<u8> bytes(most);
        if (in_ < 0 || most == 0 || !readable(in_)) return {};
        const ssize_t count = ::read(in_, bytes.data(), bytes.size());
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) hung_up();
        bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
        return bytes;
    }

    void transmit(u8 byte) override {
        constexpr size_t enough = 4096;
        waiting_.push_back(byte);
        if (byte == '\n' || waiting_.size() >= enough) flush();
    }

    void flush() override {
        size_t done = 0;
        while (out_ >= 0 && done < waiting_.size()) {
            const ssize_t count = ::write(out_, waiting_.data() + done, waiting_.size() - done);
            if (count > 0) {
                done += static_cast<size_t>(count);
            } else if (errno == EAGAIN) {
                pollfd full{out_, POLLOUT, 0};
                constexpr int patience = 1000; // milliseconds; a peer that takes nothing for longer loses bytes
                if (::poll(&full, 1, patience) <= 0) break;
            } else if (errno != EINTR) {
                break; // the reader has gone
            }
        }
        waiting_.clear();
    }

  protected:
    virtual void hung_up() { in_ = -1; }
    void use(int in, int out) {
        in_ = in;
        out_ = out;
    }

  private:
    int in_;
    int out_;
    std::vector<u8> waiting_;
};

class StdioChannel final : public StreamChannel {
  public:
    StdioChannel() : StreamChannel(STDIN_FILENO, STDOUT_FILENO) {}
    ~StdioChannel() override { flush(); }
    [[nodiscard]] bool is_stdio() const override { return true; }
};

class FileChannel final : public StreamChannel {
  public:
    explicit FileChannel(int file) : StreamChannel(-1, file), file_(file) {}
    ~FileChannel() override { flush(); }

  private:
    Descriptor file_;
};

// A pseudo-terminal: its other end stays open here, so that it lives on between two users.
class PtyChannel final : public StreamChannel {
  public:
    PtyChannel(int master, int slave) : StreamChannel(master, master), master_(master), slave_(slave) {}
    ~PtyChannel() override { flush(); }

  private:
    Descriptor master_;
    Descriptor slave_;
};

class SocketChannel final : public StreamChannel {
  public:
    // Either a listening socket (then `peer` is -1) or a connected one.
    SocketChannel(int listener, int peer) : StreamChannel(peer, peer), listener_(listener), peer_(peer) {}
    ~SocketChannel() override { flush(); }

    [[nodiscard]] int descriptor() const override { return peer_.get() >= 0 ? peer_.get() : listener_.get(); }

    std::vector<u8> receive(size_t most) override {
        if (peer_.get() < 0 && listener_.get() >= 0 && readable(listener_.get())) {
            peer_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            use(peer_.get(), peer_.get());
        }
        return StreamChannel::receive(most);
    }

  protected:
    void hung_up() override {
        peer_.reset(-1);
        use(-1, -1);
    }

  private:
    Descriptor listener_;
    Descriptor peer_;
};

[[noreturn]] void fail(const std::string& name, const std::string& what, int error) {
    throw ChannelError(fmt::format("{}: {}: {}", name, what, std::strerror(error)));
}

std::unique_ptr<Channel> open_file(const std::string& path, const std::string& name) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) fail(name, path, errno);
    return std::make_unique<FileChannel>(file);
}

std::unique_ptr<Channel> open_pty(const std::string& name) {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) fail(name, "pty", errno);
    const char* path = ::ptsname(master);
    const int slave = ::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) fail(name, path, errno);
    termios raw{};
    ::tcgetattr(slave, &raw);
    ::cfmakeraw(&raw);
    ::tcsetattr(slave, TCSANOW, &raw);
    ::fcntl(master, F_SETFL, O_NONBLOCK);
    tell(fmt::format("truering: {} is {}\n", name, path));
    return std::make_unique<PtyChannel>(master, slave);
}

// Takes ",server" (and QEMU's ",nowait", which is so anyway) off the end.
bool take_server(std::string& address) {
    bool server = false;
    for (const std::string word : {",nowait", ",wait=off", ",server=on", ",server"})
        if (address.size() > word.size() && address.compare(address.size() - word.size(), word.size(), word) == 0) {
            server = server || word.rfind(",server", 0) == 0;
            address.resize(address.size() - word.size());
        }
    return server;
}

std::unique_ptr<Channel> finish_socket(int socket, const sockaddr* address, socklen_t size, bool server,
                                       const std::string& name, const std::string& where) {
    if (socket < 0) fail(name, where, errno);
    const bool ready =
        server ? ::bind(socket, address, size) == 0 && ::listen(socket, 1) == 0 : ::connect(socket, address, size) == 0;
    if (!ready) {
        const int error = errno;
        ::close(socket);
        fail(name, where, error);
    }
    return std::make_unique<SocketChannel>(server ? socket : -1, server ? -1 : socket);
}

std::unique_ptr<Channel> open_unix(std::string path, const std::string& name) {
    const bool server = take_server(path);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) fail(name, path, ENAMETOOLONG);
    path.copy(address.sun_path, path.size());
    struct stat old {};
    if (server && ::lstat(path.c_str(), &old) == 0 && S_ISSOCK(old.st_mode)) ::unlink(path.c_str());
    return finish_socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), reinterpret_cast<const sockaddr*>(&address),
                         sizeof address, server, name, path);
}

std::unique_ptr<Channel> open_tcp(std::string address, const std::string& name) {
    const bool server = take_server(address);
    const size_t colon = address.rfind(':');
    if (colon == std::string::npos) throw ChannelError(fmt::format("{}: tcp:{} has no port", name, address));
    const std::string host = colon == 0 ? "127.0.0.1" : address.substr(0, colon);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found); error != 0)
        throw ChannelError(fmt::format("{}: tcp:{}: {}", name, address, ::gai_strerror(error)));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    const int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (server) ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return finish_socket(socket, found->ai_addr, found->ai_addrlen, server, name, "tcp:" + address);
}

} // namespace

std::unique_ptr<Channel> open_channel(const std::string& destination, const std::string& name) {
    const auto rest = [&](std::string_view scheme) { return destination.substr(scheme.size()); };
    if (destination.empty()) return nullptr;
    if (destination == "stdio") return std::make_unique<StdioChannel>();
    if (destination == "pty") return open_pty(name);
    if (destination.rfind("file:", 0) == 0) return open_file(rest("file:"), name);
    if (destination.rfind("unix:", 0) == 0) return open_unix(rest("unix:"), name);
    if (destination.rfind("tcp:", 0) == 0) return open_tcp(rest("tcp:"), name);
    throw ChannelError(fmt::format("{}: '{}' is no destination", name, destination));
}

} // namespace truering
