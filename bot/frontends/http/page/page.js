// The chat. What the customer and the bot write is only ever set as text. Nothing is kept: the id of
// the conversation, the key and the messages are in the memory of this tab.

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const [log, status, composer, text, problem] = ["log", "status", "composer", "text", "problem"].map(byId);

const NEEDS_KEY = root.dataset.needsKey === "true";
const IS_PUBLIC = root.dataset.isPublic === "true";
const MAX_CHARACTERS = Number(root.dataset.maxCharacters);

const SLOWEST_MS = 40_000; // the server gives up after 30 seconds
const THINKING_MS = 150; // a faster reply shows no "Thinking"

const conversation = randomId();
let secret = "";
let busy = false;
let latest = null; // the last exchange that got a reply
let refused = null; // the button that sends again what was refused without a valid key

const CHOICES = [
  ["positive", "👍 I liked it"],
  ["negative", "👎 I didn't"],
  ["both", "A bit of both"],
];

const SENTENCES = {
  401: "The server did not accept this key. Check it, or create a new one.",
  413: "This message is too long. Send a shorter one.",
  429: "That was too fast for me.",
  503: "There is a lot going on here. I could not read your message.",
  offline: "The server cannot be reached. Your message was not sent; check the connection.",
  slow: "The server took too long to answer. Your message may have been lost.",
  broken: "Something went wrong on the server. It is not your fault.",
};

class Failure extends Error {
  // `seconds` until it makes sense to try again.
  constructor(sentence, { seconds = 0, status = 0 } = {}) {
    super(sentence);
    this.seconds = seconds;
    this.status = status;
  }
}

function randomId() {
  // Not randomUUID, which does not exist on pages without TLS.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The server

async function request(address, body) {
  const headers = { "Content-Type": "application/json" };
  if (secret) headers.Authorization = `Bearer ${secret}`;
  let response;
  try {
    response = await fetch(`v1/${address}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(SLOWEST_MS),
    });
  } catch (error) {
    throw new Failure(error.name === "TimeoutError" ? SENTENCES.slow : SENTENCES.offline);
  }
  const answer = await response.json().catch(() => null); // a proxy's error may be HTML
  if (response.ok && answer !== null) return answer;
  const seconds = Number(response.headers.get("Retry-After")) || 0;
  throw new Failure(sentenceFor(response.status, answer), { seconds, status: response.status });
}

function sentenceFor(code, answer) {
  if (answer?.reply) return answer.reply;
  // An operator can do what `detail` says; a visitor cannot.
  if (!IS_PUBLIC && code !== 401 && answer?.detail) return answer.detail;
  return SENTENCES[code] ?? SENTENCES.broken;
}

// Messages

function clone(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

function append(element) {
  log.append(element);
  log.scrollTop = log.scrollHeight;
  return element;
}

function showCustomer(said) {
  const message = clone("customer-message");
  message.querySelector(".text").textContent = said;
  return append(message);
}

function makeBotMessage(sentence) {
  const message = clone("bot-message");
  setWithLinks(message.querySelector(".text"), sentence);
  return message;
}

function setWithLinks(target, sentence) {
  // Sentences are the operator's; one may name a help line by its address.
  const parts = sentence.split(/(https:\/\/[^\s<>()"]*[^\s<>()".,;:!?])/);
  target.replaceChildren(
    ...parts.map((part, index) => {
      if (index % 2 === 0) return document.createTextNode(part);
      const link = document.createElement("a");
      Object.assign(link, { href: part, textContent: part, target: "_blank", rel: "noopener noreferrer" });
      return link;
    }),
  );
}

function addButton(message, label, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true") press(button);
  });
  const buttons = message.querySelector(".buttons");
  buttons.hidden = false;
  buttons.append(button);
  return button;
}

function capitalised(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function percent(share) {
  return `${Math.floor(100 * share)}%`; // rounded down, because nothing is certain
}

function showVerdict(message, { label, confidence, probabilities }) {
  if (label === null) return;
  const verdict = message.querySelector(".verdict");
  const { positive, negative } = probabilities;
  const side = positive > negative ? " positive" : positive < negative ? " negative" : "";
  verdict.hidden = false;
  verdict.classList.add(label);
  verdict.querySelector(".label").textContent = capitalised(label);
  verdict.querySelector(".percent").textContent =
    percent(confidence) + (label === "unsure" ? side : "");
  verdict.querySelector(".bar > span").style.inlineSize = percent(confidence);
}

function showReply(exchange, result) {
  if (result.withdrawn !== null && latest !== null) withdraw(latest, result.withdrawn);
  closeQuestion();
  if (result.repeated) {
    const note = makeBotMessage("(I do not reply to further insults.)");
    note.classList.add("note");
    exchange.reply = append(note);
  } else {
    const message = makeBotMessage(result.reply);
    showVerdict(message, result);
    if (result.question) {
      message.classList.add("question");
      for (const [choice, label] of CHOICES) addButton(message, label, () => choose(choice, label));
    }
    if (result.label !== null || result.together) {
      const why = addButton(message, "Why?", () => toggleExplanation(exchange, why));
      why.setAttribute("aria-expanded", "false");
    }
    exchange.reply = append(message);
    exchange.together = result.together;
  }
  latest = exchange;
}

function closeQuestion() {
  for (const message of log.querySelectorAll(".question")) {
    message.classList.remove("question");
    const buttons = [...message.querySelectorAll(".buttons > button:not([aria-expanded])")];
    const hadFocus = buttons.includes(document.activeElement);
    for (const button of buttons) button.remove();
    // On a phone this would open the keyboard over the reply.
    if (hadFocus && !matchMedia("(pointer: coarse)").matches) text.focus();
  }
}

function withdraw(exchange, sentence) {
  const { reply, customer, said } = exchange;
  reply.classList.add("withdrawn");
  setWithLinks(reply.querySelector(".text"), sentence);
  for (const gone of reply.querySelectorAll(".verdict, .buttons, .explanation")) gone.remove();
  customer.querySelector(".text").textContent = said;
}

function showFailure(exchange, failure) {
  const message = makeBotMessage(failure.message);
  message.classList.add("problem");
  const again = addButton(message, "Send again", () => {
    if (busy) return;
    message.remove();
    text.focus();
    attempt(exchange);
  });
  append(message);
  countDown(again, failure.seconds, "Send again");
  log.scrollTop = log.scrollHeight;
  if (failure.status === 401) {
    refused = again;
    askForKey();
  }
}

function countDown(button, seconds, label) {
  if (!seconds) return;
  const end = performance.now() + 1000 * seconds;
  // Not `disabled`: it would lose the focus.
  button.setAttribute("aria-disabled", "true");
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left > 0) {
      button.textContent = `${label} in ${left} s`;
      setTimeout(tick, 250);
    } else {
      button.textContent = label;
      button.removeAttribute("aria-disabled");
      if (button.isConnected) status.textContent = "You can try again now.";
    }
  };
  tick();
}

// Sending

async function attempt(exchange) {
  busy = true;
  problem.textContent = "";
  status.textContent = "";
  const thinking = setTimeout(() => {
    status.textContent = "Thinking";
    status.classList.add("thinking");
  }, THINKING_MS);
  try {
    const { address, body } = exchange;
    showReply(exchange, await request(address, { conversation, ...body }));
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    showFailure(exchange, failure);
  } finally {
    clearTimeout(thinking);
    status.classList.remove("thinking");
    if (status.textContent === "Thinking") status.textContent = "";
    problem.textContent = ""; // there is nothing to wait for
    busy = false;
  }
}

function choose(choice, label) {
  if (busy) return;
  attempt({ said: label, customer: showCustomer(label), address: "choose", body: { choice } });
}

function submit() {
  const said = text.value.trim();
  if (!said) problem.textContent = "Write something first.";
  else if (length(said) > MAX_CHARACTERS)
    problem.textContent = `This is too long: I read up to ${inWords(MAX_CHARACTERS)} at once.`;
  else if (NEEDS_KEY && !secret) askForKey();
  else if (busy) problem.textContent = "Wait for the reply to your last message, please.";
  else {
    text.value = "";
    showLength();
    attempt({ said, customer: showCustomer(said), address: "answer", body: { text: said } });
  }
}

function length(said) {
  return [...said].length; // in code points, as the server counts
}

function inWords(characters) {
  return `${characters.toLocaleString("en")} ${characters === 1 ? "character" : "characters"}`;
}

function showLength() {
  const left = MAX_CHARACTERS - length(text.value.trim());
  const line = byId("length");
  line.hidden = left > 500;
  line.textContent = left < 0 ? `${inWords(-left)} too long` : `${inWords(left)} left`;
  text.setAttribute("aria-invalid", String(left < 0));
  text.style.blockSize = "auto"; // grows with the text, up to a limit in page.css
  text.style.blockSize = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
text.addEventListener("input", () => {
  problem.textContent = "";
  showLength();
});

// Explaining

async function toggleExplanation(exchange, why) {
  let explanation = exchange.reply.querySelector(".explanation");
  if (explanation === null) {
    explanation = await explain(exchange, why);
    if (explanation === null) return;
  } else explanation.hidden = !explanation.hidden;
  why.setAttribute("aria-expanded", String(!explanation.hidden));
  const words = explanation.hidden ? [] : exchange.words;
  markWords(exchange.customer.querySelector(".text"), exchange.said, words);
  exchange.customer.dataset.side = exchange.side;
  explanation.scrollIntoView({ block: "nearest" });
}

async function explain(exchange, why) {
  why.setAttribute("aria-disabled", "true");
  why.textContent = "Weighing each word …";
  const { said, together } = exchange;
  try {
    const result = await request("explain", { text: said, together, conversation });
    if (exchange.reply.classList.contains("withdrawn")) return null;
    exchange.words = result.words;
    exchange.side = result.label ?? "";
    const explanation = makeExplanation(result);
    exchange.reply.append(explanation);
    return explanation;
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    problem.textContent = failure.message;
    countDown(why, failure.seconds, "Why?");
    return null;
  } finally {
    why.textContent = why.textContent.startsWith("Weighing") ? "Why?" : why.textContent;
    if (why.textContent === "Why?") why.removeAttribute("aria-disabled");
  }
}

const MARKS = [
  ["strong", "Carried it"],
  ["slight", "Helped"],
  ["against", "Spoke against it"],
];

function makeExplanation({ label, probabilities, words, notes, reply }) {
  const explanation = clone("explanation");
  const weighed = explanation.querySelector(".weighed");
  const list = explanation.querySelector(".words");
  if (label === null) weighed.textContent = reply;
  else {
    explanation.dataset.side = label;
    const other = label === "positive" ? "negative" : "positive";
    const share = Math.floor(100 * probabilities[label]);
    weighed.textContent = `${capitalised(label)} ${share}%, ${other} ${100 - share}%`;
    for (const [mark, meaning] of MARKS) {
      const found = words.filter((word) => word.mark === mark);
      if (!found.length) continue;
      found.sort((one, another) => Math.abs(another.weight) - Math.abs(one.weight));
      const item = document.createElement("li");
      item.append(`${meaning}: `);
      [...new Set(found.map((word) => bare(word.text)))].forEach((word, index) => {
        if (index) item.append(", ");
        item.append(makeMark(word, mark));
      });
      list.append(item);
    }
    if (!words.some((word) => ["strong", "slight"].includes(word.mark)))
      weighed.textContent += ". No word alone carried it, but all together.";
  }
  if (notes.length) {
    const line = explanation.querySelector(".notes");
    line.hidden = false;
    line.textContent = notes.join(" ");
  }
  return explanation;
}

function bare(word) {
  return word.replace(/^\p{P}+|\p{P}+$/gu, "") || word;
}

function makeMark(word, kind) {
  const mark = document.createElement("mark");
  mark.className = kind;
  mark.textContent = word;
  return mark;
}

function markWords(target, said, words) {
  // The server gives the words in order, and neighbours of a long text together; what is between
  // them stays as it was written.
  target.textContent = "";
  let done = 0;
  for (const { text: part, mark } of words) {
    const pieces = part.split(" ");
    const start = said.indexOf(pieces[0], done);
    let end = start;
    for (const piece of pieces) end = said.indexOf(piece, end) + piece.length;
    if (mark !== "none") {
      target.append(said.slice(done, start), makeMark(said.slice(start, end), mark));
      done = end;
    } else {
      target.append(said.slice(done, end));
      done = end;
    }
  }
  target.append(said.slice(done));
}

// The key

function askForKey() {
  byId("key").hidden = false;
  byId("secret").focus();
}

byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  secret = byId("secret").value.trim();
  byId("secret").value = "";
  byId("key").hidden = true;
  text.focus();
  if (refused?.isConnected) refused.click();
});
if (NEEDS_KEY) askForKey();

// In the frame of widget.js

if (window.parent !== window) {
  root.classList.add("framed");
  // Neither message says anything of the customer, so any site may hear it.
  window.parent.postMessage("review-concierge: ready", "*");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing)
      window.parent.postMessage("review-concierge: close", "*");
  });
  window.addEventListener("message", (event) => {
    if (event.source === window.parent && event.data === "review-concierge: focus") text.focus();
  });
}
