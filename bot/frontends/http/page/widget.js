// Puts a button into the corner of a website, which opens the chat in a frame of the bot's own
// server. Nothing is loaded before the button is pressed, and the website cannot read the chat.
//
//     <script src="https://bot.example.com/widget.js" defer></script>

(() => {
  if (document.querySelector("review-concierge")) return; // included twice
  const page = new URL(".", document.currentScript.src);

  const STYLE = `
    :host { all: initial; color-scheme: light dark; }
    button, p { font: 600 16px/1.5 system-ui, sans-serif; }
    button {
      position: fixed; inset: auto 16px 16px auto; z-index: 2147483647; min-height: 48px;
      padding: 8px 20px; border: 1px solid #fff; border-radius: 24px; background: #4338ca;
      color: #fff; cursor: pointer; box-shadow: 0 2px 10px #0005;
    }
    button:focus-visible { outline: 3px solid #4338ca; outline-offset: 3px; }
    div {
      position: fixed; inset: auto 16px 76px auto; z-index: 2147483647; box-sizing: border-box;
      width: min(400px, 100vw - 32px); height: min(600px, 100vh - 92px);
      height: min(600px, 100dvh - 92px); overflow: hidden; border: 1px solid #7c7c93;
      border-radius: 16px; background: Canvas; color: CanvasText; box-shadow: 0 4px 24px #0006;
    }
    div[hidden] { display: none; }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    p { margin: 16px; font-weight: 400; }`;

  const host = document.createElement("review-concierge");
  const inside = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet(); // a <style> could be forbidden by the website's policy
  sheet.replaceSync(STYLE);
  inside.adoptedStyleSheets = [sheet];

  const button = document.createElement("button");
  button.type = "button";
  const panel = document.createElement("div");
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", "Chat about a film");
  panel.hidden = true;
  inside.append(panel, button); // the button follows its panel in the order of focus
  let frame = null;
  let isReady = false;

  function show(isOpen) {
    panel.hidden = !isOpen;
    button.textContent = isOpen ? "Close the chat" : "Chat about a film";
    button.setAttribute("aria-expanded", String(isOpen));
  }

  function load() {
    frame = document.createElement("iframe");
    frame.title = "Chat about a film";
    frame.src = page.href;
    // It loads even where the server refuses this website: then it does not say that it is ready.
    frame.addEventListener("load", () => setTimeout(refuseUnlessReady, 1000));
    panel.append(frame);
  }

  function refuseUnlessReady() {
    if (isReady) return;
    const sentence = document.createElement("p");
    sentence.setAttribute("role", "alert");
    sentence.textContent = "The chat cannot be shown on this website.";
    panel.replaceChildren(sentence);
    panel.style.height = "auto";
    console.warn(
      `Review Concierge: ${page.origin} does not show its chat on ${location.origin}. ` +
        "Its operator can allow it with HTTP_WIDGET_ORIGINS.",
    );
  }

  button.addEventListener("click", () => {
    show(panel.hidden);
    if (panel.hidden) return;
    if (frame === null) load();
    else focusChat();
  });

  function focusChat() {
    if (!isReady) return;
    frame.focus();
    frame.contentWindow.postMessage("review-concierge: focus", page.origin);
  }

  function close() {
    show(false);
    button.focus();
  }

  panel.addEventListener("keydown", (event) => event.key === "Escape" && close());
  button.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) close();
  });
  window.addEventListener("message", (event) => {
    if (frame === null || event.source !== frame.contentWindow || event.origin !== page.origin) return;
    if (event.data === "review-concierge: close") close();
    if (event.data === "review-concierge: ready") {
      isReady = true;
      if (!panel.hidden) focusChat();
    }
  });

  show(false);
  const start = () => document.body.append(host);
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
