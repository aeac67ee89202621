// Goal: a viewer is one viewer however much it asks for, and nobody can fill the list with invented ones. Method: the
// list alone, with times of the test's own; and over HTTP, as players and operators see it.
#include "http/viewers.hpp"

#include "messages/unix_time.hpp"

#include "served_channel.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <set>

using namespace troupe;
using namespace troupe::http;
using namespace std::chrono_literals;

namespace viewers_test {
namespace {

constexpr auto absence = 10s;

struct the_list {
  static viewer_identity who(const std::string& key, const std::string& client = "192.0.2.1") {
    return {key, "news", "hd", client, client};
  }

  bool seen(const std::string& key, const std::string& client = "192.0.2.1") {
    return list.seen(who(key, client), delivery_format::hls, absence, now) != nullptr;
  }

  viewer_listing all() {
    return list.list({}, now);
  }

  viewer_list list{{.clients_max = 5, .per_client = 3}};
  viewer_list::clock::time_point now = viewer_list::clock::time_point{} + 1h;
};

struct served : served_channel {
  served() {
    start();
    write_until(2.5);
  }

  boost::json::object viewers(const std::string& query = {}) {
    auto x = get("/api/v1/viewers" + query);
    BOOST_TEST(x.status == 200);
    return boost::json::parse(x.body).as_object();
  }

  bool metrics_say(const std::string& line) {
    return get("/metrics").body.find("\n" + line + "\n") != std::string::npos;
  }
};

} // namespace
} // namespace viewers_test

BOOST_FIXTURE_TEST_SUITE(viewers_test, the_list)

BOOST_AUTO_TEST_CASE(a_viewer_is_listed_once_until_it_asks_for_nothing_for_a_while) {
  for (auto i = 0; i < 100; ++i) {
    BOOST_TEST(seen("a"));
    now += 50ms;
  }
  auto x = all();
  BOOST_REQUIRE(x.viewers.size() == 1u);
  BOOST_TEST(x.total == 1u);
  BOOST_TEST(x.viewers[0].last_at_ms - x.viewers[0].since_at_ms == 99 * 50);
  BOOST_TEST(x.viewers[0].id.size() == 12u);
  BOOST_TEST(x.viewers[0].id.find('a') != 0u);
  now += absence - 51ms;
  BOOST_TEST(all().total == 1u);
  now += 51ms;
  BOOST_TEST(all().total == 0u);
  BOOST_TEST(list.count(now)[1] == 0u);
}

BOOST_AUTO_TEST_CASE(it_keeps_its_format_until_it_asks_for_what_only_another_one_has) {
  auto is = [&](std::optional<delivery_format> asked) { return list.seen(who("a"), asked, absence, now)->format(); };
  BOOST_TEST((is(delivery_format::dash) == delivery_format::dash));
  BOOST_TEST((is({}) == delivery_format::dash));
  BOOST_TEST((is(delivery_format::hls) == delivery_format::hls));
}

BOOST_AUTO_TEST_CASE(invented_keys_fill_only_the_share_of_their_client_and_pass) {
  auto listed = 0;
  for (auto i = 0; i < 1000; ++i)
    listed += seen(std::to_string(i)) ? 1 : 0;
  BOOST_TEST(listed == 3);
  BOOST_TEST(seen("0"));
  BOOST_TEST(list.admits(who("0"), now));
  BOOST_TEST(!list.admits(who("d"), now));
  BOOST_TEST(list.admits(who("d", "192.0.2.2"), now));
  BOOST_TEST(seen("b", "192.0.2.2"));
  BOOST_TEST(all().total == 4u);
  now += absence;
  BOOST_TEST(seen("d", "192.0.2.4"));
  BOOST_TEST(seen("new"));
  BOOST_TEST(all().total == 2u);
}

BOOST_AUTO_TEST_CASE(a_list_that_is_full_takes_nobody_and_keeps_those_it_has) {
  for (auto* key : {"a", "b", "c", "d", "e"})
    BOOST_TEST(seen(key, std::string{"192.0.2."} + key));
  BOOST_TEST(all().total == 5u);
  auto refused = [&](const std::string& key) { return !seen(key, "192.0.2.9"); };
  BOOST_TEST(refused("new"));
  BOOST_TEST(!list.admits(who("new"), now));
  BOOST_TEST(list.enter(who({}), now) == nullptr);
  BOOST_TEST(seen("a"));
  BOOST_TEST(list.admits(who("a"), now));
  // There is place again when somebody has left.
  now += absence;
  auto stream = list.enter(who({}), now);
  BOOST_REQUIRE(stream != nullptr);
  for (auto* key : {"f", "g", "h", "i"})
    BOOST_TEST(seen(key, std::string{"192.0.2."} + key));
  BOOST_TEST(!list.admits(who("new"), now));
  list.leave(stream);
  BOOST_TEST(list.admits(who("new"), now));
}

BOOST_AUTO_TEST_CASE(a_stream_is_a_viewer_until_it_ends) {
  auto x = list.enter(who({}), now);
  x->sent(500, now + 1s);
  now += 1h;
  auto now_listed = all();
  BOOST_REQUIRE(now_listed.total == 1u);
  BOOST_TEST(to_string(now_listed.viewers[0].format) == "ts");
  BOOST_TEST(now_listed.viewers[0].sent_bytes == 500u);
  BOOST_TEST(now_listed.viewers[0].last_at_ms - now_listed.viewers[0].since_at_ms == 1000);
  list.leave(x);
  BOOST_TEST(all().total == 0u);
}

BOOST_AUTO_TEST_CASE(the_list_is_cut_and_says_of_how_many) {
  for (auto* key : {"a", "b", "c"}) {
    seen(key);
    now += 1ms;
  }
  list.seen({"d", "films", "hd", "192.0.2.2", "192.0.2.2"}, delivery_format::dash, absence, now);
  auto two = list.list({"", 2}, now);
  BOOST_TEST(two.total == 4u);
  BOOST_TEST(two.viewers.size() == 2u);
  BOOST_TEST(two.viewers[0].since_at_ms < two.viewers[1].since_at_ms);
  BOOST_TEST(list.list({"films", 10}, now).total == 1u);
  BOOST_TEST(list.list({"none", 10}, now).total == 0u);
  BOOST_TEST(read_viewer_question("channel=a%20b&limit=7").value().channel == "a b");
  BOOST_TEST(read_viewer_question("channel=a&limit=7").value().limit == 7u);
  for (auto* x : {"limit=0", "limit=-1", "limit=x", "limit=99999999999", "channel=%zz"})
    BOOST_TEST(!read_viewer_question(x), x);
}

BOOST_FIXTURE_TEST_CASE(all_who_watch_are_in_one_list_and_their_keys_are_not, served) {
  auto hls = enter();
  for (auto* file : {"v.m3u8", "a0.m3u8", "v.m3u8", "v.keys.m3u8"})
    BOOST_TEST(get(hls + file).status == 200);
  auto manifest = enter_dash();
  BOOST_TEST(get(manifest).status == 200);
  auto dash_key = manifest.substr(16, 16);
  auto window = out.shared()->window("v").value();
  auto segment = get("/live/demo/h264/" + dash_key + "/h264/v-" + std::to_string(window.segments()[1].number) + ".m4s");
  BOOST_TEST(segment.status == 200);
  auto ts = connect("/live/demo/h264.ts");
  BOOST_TEST(ts.read_head().status == 200);
  BOOST_TEST(reached([&] { return viewers().at("total").as_int64() == 3; }));
  BOOST_TEST(reached([&] { return viewers().at("viewers").as_array()[2].at("sent_bytes").as_int64() > 0; }));
  auto text = get("/api/v1/viewers").body;
  BOOST_TEST(text.find(dash_key) == std::string::npos);
  BOOST_TEST(text.find(hls.substr(16, 16)) == std::string::npos);
  std::set<std::string> formats;
  auto all_of_them = viewers();
  for (auto& x : all_of_them.at("viewers").as_array()) {
    formats.insert(x.at("format").as_string().c_str());
    BOOST_TEST(x.at("channel") == "demo");
    BOOST_TEST(x.at("profile") == "h264");
    BOOST_TEST(x.at("address") == "127.0.0.1");
    BOOST_TEST(x.at("sent_bytes").as_int64() > (x.at("format") == "dash" ? int64_t(segment.body.size()) : 0));
    auto since = x.at("since_at_ms").as_int64();
    BOOST_TEST(std::abs(unix_ms() - since) < 10'000);
    BOOST_TEST(x.at("last_at_ms").as_int64() >= since);
  }
  BOOST_TEST(formats.size() == 3u);
  BOOST_TEST(viewers("?channel=other").at("total") == 0);
  BOOST_TEST(viewers("?limit=1").at("viewers").as_array().size() == 1u);
  BOOST_TEST(get("/api/v1/viewers?limit=x").status == 400);
  for (auto* format : {"ts", "hls", "dash"}) {
    BOOST_TEST(metrics_say("troupe_viewers{format=\"" + std::string{format} + "\"} 1"), format);
    BOOST_TEST(!metrics_say("troupe_viewer_sent_bytes_total{format=\"" + std::string{format} + "\"} 0"), format);
  }
  BOOST_TEST(out.shared()->clients(rendition::clock::now()) == 3u);
  ts.close();
  BOOST_TEST(reached([&] { return viewers().at("total").as_int64() == 2; }));
}

struct crowded : served_channel {
  crowded() {
    config.clients_max = 2;
    start();
    write_until(2.5);
  }
};

BOOST_FIXTURE_TEST_CASE(one_client_too_many_is_told_to_come_back_and_the_others_go_on, crowded) {
  auto hls = enter();
  auto ts = connect("/live/demo/h264.ts");
  BOOST_TEST(ts.read_head().status == 200);
  for (std::string path : {"index.m3u8", "manifest.mpd", "0123456789abcdef/h264/v.m3u8"}) {
    auto refused = get("/live/demo/h264/" + path);
    BOOST_TEST(refused.status == 503, path);
    BOOST_TEST(refused.has("Retry-After: "), path);
    BOOST_TEST(refused.body.find("live.clients_max") != std::string::npos, refused.body);
  }
  auto refused = get("/live/demo/h264.ts");
  BOOST_TEST(refused.status == 503);
  BOOST_TEST(refused.has("Retry-After: "));
  BOOST_TEST(get(hls + "v.m3u8").status == 200);
  ts.close();
  BOOST_TEST(reached([&] { return get("/live/demo/h264/index.m3u8").status == 200; }));
}

struct crowded_address : served_channel {
  crowded_address() {
    config.viewers_per_client = 2;
    start();
    write_until(2.5);
  }
};

BOOST_FIXTURE_TEST_CASE(one_viewer_too_many_of_an_address_is_told_to_come_back_and_the_others_go_on, crowded_address) {
  auto first = enter();
  BOOST_TEST(get(first + "v.m3u8").status == 200);
  BOOST_TEST(get(enter() + "v.m3u8").status == 200);
  auto refused = get("/live/demo/h264/index.m3u8");
  BOOST_TEST(refused.status == 503);
  BOOST_TEST(refused.has("Retry-After: "));
  BOOST_TEST(refused.body.find("live.viewers_per_client") != std::string::npos, refused.body);
  BOOST_TEST(get(first + "v.m3u8").status == 200);
  auto ts = connect("/live/demo/h264.ts");
  BOOST_TEST(ts.read_head().status == 200);
}

struct behind_a_proxy : served_channel {
  behind_a_proxy() {
    config.viewers_per_client = 1;
    config.trusted_proxies = {"127.0.0.1"};
    config.open_channels = true;
    start();
    write_until(2.5);
  }
};

BOOST_FIXTURE_TEST_CASE(behind_a_trusted_proxy_each_address_has_its_own_viewers, behind_a_proxy) {
  const std::string one = "X-Forwarded-For: 192.0.2.1\r\n";
  const std::string other = "X-Forwarded-For: 192.0.2.2\r\n";
  BOOST_TEST(get(enter(one) + "v.m3u8", one).status == 200);
  BOOST_TEST(get("/live/demo/h264/index.m3u8", one).status == 503);
  BOOST_TEST(get(enter(other) + "v.m3u8", other).status == 200);
}

BOOST_FIXTURE_TEST_CASE(an_address_without_a_format_suits_the_player, served) {
  auto ask = [&](const std::string& query, const std::string& agent, const std::string& method = "GET") {
    return connect("/live/demo/h264" + query, "User-Agent: " + agent + "\r\n", method);
  };
  auto browser = ask("", "Mozilla/5.0 Firefox/127.0").read_response();
  BOOST_TEST(browser.status == 302);
  BOOST_TEST(browser.has("Location: h264/index.m3u8\r\n"));
  BOOST_TEST(browser.has("Vary: Accept, User-Agent"));
  BOOST_TEST(browser.has("Access-Control-Allow-Origin: *"));
  BOOST_TEST(ask("?format=dash", "VLC/3").read_response().has("Location: h264/manifest.mpd\r\n"));
  BOOST_TEST(ask("?format=dash", "VLC/3", "HEAD").read_head().has("Location: h264/manifest.mpd\r\n"));
  auto tuner = ask("", "VLC/3");
  auto head = tuner.read_head();
  BOOST_TEST(head.status == 200);
  BOOST_TEST(head.has("Content-Type: video/mp2t"));
  BOOST_TEST(ask("?format=avi", "VLC/3").read_response().status == 400);
  BOOST_TEST(connect("/live/demo/other", "User-Agent: VLC/3\r\n").read_response().status == 404);
  BOOST_TEST(connect("/live/demo/h264", {}, "OPTIONS").read_head().status == 204);
  BOOST_TEST(connect("/live/demo/h264", {}, "POST").read_response().status == 405);
}

BOOST_FIXTURE_TEST_CASE(a_head_makes_no_viewer, served) {
  BOOST_TEST(connect("/live/demo/h264/index.m3u8", {}, "HEAD").read_head().status == 200);
  BOOST_TEST(connect("/live/demo/h264/manifest.mpd", {}, "HEAD").read_head().status == 302);
  BOOST_TEST(viewers().at("total") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
