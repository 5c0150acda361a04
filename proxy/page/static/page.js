// Keeps the status page up to date. Without it the page stays as it was sent.
"use strict";

(() => {
  const RETRY = 15000;
  const live = document.getElementById("live");
  let source = null;
  let timer = 0;
  let ahead = null; // seconds by which the proxy's clock is ahead of the browser's

  // Makes `old` look like `fresh` and leaves alone what is the same: focus, scrolling, selection, opened details.
  function morph(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeName !== fresh.nodeName) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    morphChildren(old, fresh);
  }

  // Children with an id are found by it, others by their place.
  function morphChildren(old, fresh) {
    const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
    const kept = new Set([...fresh.children].map((child) => child.id));
    let at = old.firstChild;
    const skip = () => {
      const next = at.nextSibling;
      at.remove();
      at = next;
    };
    for (const child of [...fresh.childNodes]) {
      while (at && at.id && !kept.has(at.id)) skip();
      const same = child.id && known.get(child.id);
      if (same) {
        if (same === at) at = at.nextSibling;
        else old.insertBefore(same, at);
        morph(same, child);
      } else if (at && !at.id && !child.id && at.nodeName === child.nodeName) {
        const next = at.nextSibling;
        morph(at, child);
        at = next;
      } else {
        old.insertBefore(child, at);
      }
    }
    while (at) skip();
  }

  function show(parts) {
    for (const [id, html] of Object.entries(parts)) {
      const box = document.createElement("template");
      box.innerHTML = html;
      const old = document.getElementById(id);
      if (old) morph(old, box.content.firstElementChild);
    }
    tellTimes();
  }

  // As words.relative in proxy/page/words.py.
  function span(seconds) {
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
      if (seconds >= size) return `${Math.floor(seconds / size)}\u00a0${unit}`;
    }
    return `${Math.floor(seconds)}\u00a0s`;
  }

  function tellTimes() {
    if (ahead === null) return;
    const now = Date.now() / 1000 + ahead;
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const then = Date.parse(time.dateTime) / 1000;
      const words = then > now ? `in ${span(then - now)}` : `${span(now - then)} ago`;
      if (time.textContent !== words) time.firstChild.data = words;
    }
  }

  function say(words, isLive) {
    if (live.textContent !== words) live.textContent = words;
    document.getElementById("taken").hidden = isLive;
  }

  function close() {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
  }

  function open() {
    close();
    source = new EventSource("status/events");
    source.addEventListener("parts", (event) => {
      const { now, parts } = JSON.parse(event.data);
      ahead = now - Date.now() / 1000;
      show(parts);
      say("Live", true);
    });
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) {
        say("Connecting again.", false);
        return;
      }
      close();
      say("Not live.", false);
      timer = setTimeout(open, RETRY);
    };
  }

  // A page that nobody sees holds no connection: browsers have six for a server.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  setInterval(tellTimes, 5000);
  if (!document.hidden) open();
})();
