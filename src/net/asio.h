// Private to this folder: the parts of Boost.Asio that it uses, compiled once (in asio_impl.cc).
#pragma once

#ifndef BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_ASIO_SEPARATE_COMPILATION
#endif
#define BOOST_ASIO_NO_DEPRECATED

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <chrono>

namespace visor::net {

namespace asio = boost::asio;
using boost::system::error_code;

// The concrete executor in place of any_io_executor: smaller objects and no virtual calls.
using LoopExecutor = asio::io_context::executor_type;
using Descriptor = asio::posix::basic_stream_descriptor<LoopExecutor>;
using SteadyTimer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, LoopExecutor>;

}  // namespace visor::net
